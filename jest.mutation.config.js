import everyday from './jest.config.js';

/** The tests that stryker.config.json runs against each mutant: quick ones, that fail by name. */
/** @type {import('jest').Config} */
export default {
  ...everyday,
  roots: ['<rootDir>/test/core'],
  testPathIgnorePatterns: ['/node_modules/', '\\.property\\.test\\.ts$', 'test/core/schedule/'],
  coverageThreshold: undefined,
};
