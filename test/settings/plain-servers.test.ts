import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { plainServerFields } from '../../src/settings/plain-servers.ts';

const pool = z.strictObject(plainServerFields);

test('a pool has no plain servers by default', () => {
  expect(pool.parse({})).toEqual({ plainServers: [] });
});

test('plain servers are origins with http', () => {
  const plainServers = ['http://a.example:8080', 'http://b.example:8080/'];
  expect(pool.parse({ plainServers })).toEqual({
    plainServers: ['http://a.example:8080', 'http://b.example:8080'],
  });
});

test.each(['https://a.example', 'a.example:8080', 'http://a.example/path', 'http://u:p@a.example'])(
  '%s is no plain server',
  (text) => {
    expect(pool.safeParse({ plainServers: [text] }).success).toBe(false);
  },
);
