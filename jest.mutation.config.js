import everyday from './jest.config.js';

/** The quick tests with telling titles. stryker.config.json runs them against each mutant. */
/** @type {import('jest').Config} */
export default {
  ...everyday,
  // Stryker measures coverage in an environment that it knows.
  testEnvironment: 'node',
  roots: ['<rootDir>/test/core'],
  testPathIgnorePatterns: ['/node_modules/', '\\.property\\.test\\.ts$', 'test/core/schedule/'],
  coverageThreshold: undefined,
};
