import { expect, test } from '@jest/globals';
import { isSafeForHttp2 } from '../../src/listen/http2/safe-version.ts';

test.each([
  ['1.68.1', true],
  ['1.68.10', true],
  ['1.69.0', true],
  ['1.70.0-DEV', true],
  ['2.0.0', true],
  ['1.68.0', false],
  ['1.61.0', false],
  ['0.99.9', false],
  ['1.68', false],
  ['', false],
  [undefined, false],
])('HTTP/2 is served with nghttp2 from 1.68.1 on: %s', (version, isSafe) => {
  expect(isSafeForHttp2(version)).toBe(isSafe);
});
