import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { serversFields } from '../../src/settings/servers-schema.ts';

const pool = z.strictObject(serversFields);

test('by default there are no fallback servers and no checks', () => {
  expect(pool.parse({})).toEqual({ fallback: [], health: { intervalMs: 1000 } });
});

test('values are accepted within their bounds', () => {
  const values = {
    fallback: ['https://paired.example:4443/'],
    health: { tcpPort: 5061, path: '/ucwa/health%20check;v=1', intervalMs: 500 },
  };
  const fallback = ['https://paired.example:4443'];
  expect(pool.parse(values)).toEqual({ ...values, fallback });
});

test.each([
  { fallback: ['paired.example'] },
  { fallback: ['https://user:secret@paired.example'] },
  { fallback: ['https://paired.example/path'] },
  { health: { tcpPort: 0 } },
  { health: { tcpPort: 65_536 } },
  { health: { path: 'health' } },
  { health: { path: '/health?deep' } },
  { health: { path: '/a b' } },
  { health: { path: '/a\r\nX: y' } },
  { health: { intervalMs: 499 } },
  { health: { interval: 1000 } },
])('%j is refused', (values) => {
  expect(pool.safeParse(values).success).toBe(false);
});
