import { expect, test } from '@jest/globals';
import { masked } from '../../src/settings/masked.ts';

test.each([
  ['https://user:hunter2@pool.example/', 'https://***@pool.example/'],
  ['https://user:hun/ter@2@pool.example/', 'https://***@pool.example/'],
  ['https://pool.example/a?token=hunter2 and more', 'https://pool.example/a?*** and more'],
  ['https://pool.example/#hunter2', 'https://pool.example/#***'],
  ['x -----BEGIN PRIVATE KEY-----\nhunter2', 'x *** (PEM data)'],
])('masks the secret in %j', (text, expected) => {
  expect(masked(text)).toBe(expected);
});

test.each(['/etc/ssl//me@corp/key.pem', 'C:\\certs\\me@corp.pem', 'http://[::1]:80', 'why?'])(
  '%s stays unchanged',
  (text) => {
    expect(masked(text)).toBe(text);
  },
);
