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
  // Containers, ports and two cores are shared.
  maxWorkers: 1,
  testTimeout: 60000,
};
