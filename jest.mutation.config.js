import everyday from './jest.config.js';

/** The quick tests with telling titles. stryker.config.json runs them against each mutant. */
/** @type {import('jest').Config} */
export default {
  ...everyday,
  // Stryker measures coverage in an environment that it knows.
  testEnvironment: 'node',
  // The tests that reach a mutant are found through the imports of these folders.
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['<rootDir>/test/core/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '\\.property\\.test\\.ts$',
    '-scenarios\\.test\\.ts$',
    'test/core/shadow/',
  ],
  coverageThreshold: undefined,
};
