import { availableParallelism } from 'node:os';

// Tells `.ci/run` a process that has gone round its last time from one that a test keeps at work.
if (process.env.CI === 'true') {
  process.once('exit', () => process.stderr.write('No test runs any more: the process ends.\n'));
}

/** @type {import('jest').Config} */
export default {
  // Most of the time is spent waiting, and nothing here is timed.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // Slower ones: `npm run test:failures`; real containers, charts and balancers: `npm run test:cluster`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/failures/', '<rootDir>/test/cluster/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }],
  },
  injectGlobals: false,
  restoreMocks: true,
  errorOnDeprecated: true,
  testTimeout: 20000,
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/core/**/*.ts'],
  coverageThreshold: { './src/core/': { branches: 90, functions: 100, lines: 95, statements: 95 } },
};
