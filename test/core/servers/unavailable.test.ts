import { expect, test } from '@jest/globals';
import { isUnavailable } from '../../../src/core/servers/unavailable.ts';

test.each([
  [503, 'text/html; charset=us-ascii', true],
  [502, 'text/plain', true],
  [504, undefined, true],
  [503, 'application/json', false],
  [503, 'application/vnd.microsoft.com.ucwa+xml; charset=utf-8', false],
  [503, 'text/xml', false],
  [503, 'multipart/batching; boundary=b', false],
  [500, 'text/html', false],
  [404, 'text/html', false],
  [429, undefined, false],
  [200, undefined, false],
])(
  'an answer %d with the media type %s shows that the server is down: %s',
  (status, type, expected) => {
    expect(isUnavailable(status, type === undefined ? [] : ['Content-Type', type])).toBe(expected);
  },
);
