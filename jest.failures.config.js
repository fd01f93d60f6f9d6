import everyday from './jest.config.js';

/** The slower half of the tests: what the proxy withstands, in numbers. `npm run test:failures`. */
/** @type {import('jest').Config} */
export default {
  ...everyday,
  roots: ['<rootDir>/test/failures'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 240_000,
  // Beside another file a measured time would mean nothing.
  maxWorkers: 1,
};
