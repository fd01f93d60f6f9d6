import main from '../../jest.config.js';

/** Tests with real programs: image, charts, alerts, balancers. They are not part of `npm test`. */
const { coverageThreshold, ...shared } = main;
void coverageThreshold;

/** @type {import('jest').Config} */
export default {
  ...shared,
  rootDir: '../..',
  roots: ['<rootDir>/test/cluster'],
  testPathIgnorePatterns: ['/node_modules/'],
  // Most of the time is spent waiting for scrapes, alert windows and containers.
  maxWorkers: 2,
  testTimeout: 60000,
  // Processes that a failed test leaves behind must not keep the run alive.
  forceExit: true,
};
