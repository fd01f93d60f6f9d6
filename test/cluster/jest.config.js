import main from '../../jest.config.js';

/** What runs with real programs: image, charts, alerts, balancers. Not a part of `npm test`. */
const { coverageThreshold, ...shared } = main;
void coverageThreshold;

/** @type {import('jest').Config} */
export default {
  ...shared,
  rootDir: '../..',
  roots: ['<rootDir>/test/cluster'],
  testPathIgnorePatterns: ['/node_modules/'],
  // Much of it waits: for scrapes, for windows of alerts, for containers.
  maxWorkers: 2,
  testTimeout: 60000,
  // What a test that failed leaves behind must not keep a run alive.
  forceExit: true,
};
