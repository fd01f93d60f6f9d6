import everyday, { slower, withoutHttp2 } from './jest.config.js';

/** The slower tests, of hostile input, failures and load: `npm run test:failures`. */
/** @type {import('jest').Config} */
export default {
  ...everyday,
  testMatch: ['**/test/failures/**/*.test.ts', ...slower],
  testPathIgnorePatterns: ['/node_modules/', ...withoutHttp2],
  testTimeout: 240_000,
  // Another test file at the same time would distort measured times.
  maxWorkers: 1,
};
