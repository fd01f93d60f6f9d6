import { describe, expect, test } from '@jest/globals';
import { formatAddress, overlap, parseAddress, reaches } from '../../src/settings/address.ts';

const address = (text: string) => parseAddress(text)!;

describe('parseAddress()', () => {
  test.each([
    ['127.0.0.1:8080', '127.0.0.1', 8080],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['[::1]:65535', '::1', 65535],
    ['[0:0:0:0:0:0:0:1]:80', '::1', 80],
    ['LocalHost:443', 'localhost', 443],
    ['a-b.example:80', 'a-b.example', 80],
  ])('parses %s', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
  });

  test.each([
    '',
    ':8080',
    '8080',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '127.0.0.1:80 ',
    '127.0.0.1:http',
    '::1:80',
    '[::1]',
    '[127.0.0.1]:80',
    '[::g]:80',
    '256.0.0.1:80',
    'http://a:80',
    'a/b:80',
    'u@a:80',
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

test.each(['127.0.0.1:8080', '[fd00::1]:0', 'proxy.example:80'])(
  'formatAddress() is the inverse of parseAddress() for %s',
  (text) => {
    expect(formatAddress(address(text))).toBe(text);
  },
);

test.each([
  ['127.0.0.1:80', '127.0.0.1:80', true],
  ['127.0.0.1:80', '127.0.0.1:81', false],
  ['127.0.0.1:80', '127.0.0.2:80', false],
  ['127.0.0.1:0', '127.0.0.1:0', false],
  ['10.0.0.1:80', '0.0.0.0:80', true],
  ['[::]:80', 'a.example:80', true],
  ['localhost:80', '127.0.0.1:80', true],
  ['localhost:80', '[::1]:80', true],
  ['localhost:80', '10.0.0.1:80', false],
])('listeners at %s and %s overlap: %s', (a, b, expected) => {
  expect(overlap(address(a), address(b))).toBe(expected);
  expect(overlap(address(b), address(a))).toBe(expected);
});

test.each([
  ['127.0.0.1:80', '127.0.0.1:80', true],
  ['10.0.0.1:80', '10.0.0.1:80', true],
  ['127.0.0.1:80', '0.0.0.0:80', true],
  ['0.0.0.0:80', '127.0.0.1:80', true],
  ['localhost:80', '[::]:80', true],
  ['127.0.0.1:80', '[::1]:80', false],
  ['10.0.0.1:80', '0.0.0.0:80', false],
  ['pool.example:80', '0.0.0.0:80', false],
  ['127.0.0.1:81', '127.0.0.1:80', false],
])('a connection to %s certainly reaches the listener at %s: %s', (target, listener, expected) => {
  expect(reaches(address(target), address(listener))).toBe(expected);
});
