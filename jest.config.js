import { availableParallelism } from 'node:os';

// `.ci/run` reads this line, to tell a hang at exit from a test that keeps the process alive.
if (process.env.CI === 'true') {
  process.once('exit', () => process.stderr.write('No test runs any more: the process ends.\n'));
}

/** The proxy serves no HTTP/2 under Node 20, so its tests run under later versions. */
export const withoutHttp2 = process.versions.node.startsWith('20.')
  ? ['/http2[^/]*/?[^/]*[.]test[.]ts$']
  : [];
if (withoutHttp2.length > 0)
  process.stderr.write('left out: tests of HTTP/2, which need Node 24\n');

/** Slower tests outside `test/failures`. `npm run test:failures` runs them too. */
export const slower = [
  // They start some forty processes.
  '**/test/bench/bench.test.ts',
  // They build the bundle, or play the whole demo.
  '**/cli/bundle.test.ts',
  '**/cli/demo.test.ts',
  // They start a browser.
  '**/e2e/page-browser.test.ts',
  '**/e2e/page-changes.test.ts',
  '**/clients/browser/browser.test.ts',
  // They explore all states of a model.
  '**/test/models/*.test.ts',
  '**/connection-auth-model.test.ts',
  // They play hours of traffic in virtual time, or seconds of it three times.
  '**/hold-scenarios.test.ts',
  '**/shadow-scenarios.test.ts',
];

/** @type {import('jest').Config} */
export default {
  // Tests wait for half of their time, and no test here measures time. CI builds the parts of the cluster tests beside
  // them.
  maxWorkers: availableParallelism() + (process.env.CI === 'true' ? 1 : 2),
  testEnvironment: '<rootDir>/test/support/environment.js',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts', ...slower.map((glob) => `!${glob}`)],
  // Other suites: `npm run test:failures` (slow), `npm run test:cluster` (containers, charts).
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/failures/',
    '<rootDir>/test/cluster/',
    ...withoutHttp2,
  ],
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
