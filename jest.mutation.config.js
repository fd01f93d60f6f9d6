import everyday from './jest.config.js';

/** The quick tests with telling titles. stryker.config.json runs them against each mutant. */
/** @type {import('jest').Config} */
export default {
  ...everyday,
  roots: ['<rootDir>/test/core'],
  testPathIgnorePatterns: ['/node_modules/', '\\.property\\.test\\.ts$', 'test/core/schedule/'],
  coverageThreshold: undefined,
};
