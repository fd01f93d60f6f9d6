import { expect, test } from '@jest/globals';
import { contradicts } from '../../../src/core/ucwa/self-link.ts';

const target = '/ucwa/oauth/v1/applications/1/me';

function isContradicted(text: string, { status = 200, type = 'application/json' } = {}): boolean {
  const headers = ['Content-Type', type];
  return contradicts({ status, headers, body: Buffer.from(text) }, target);
}

const linked = (href: string): string => JSON.stringify({ _links: { self: { href } } });

test.each([
  target,
  `${target}?a=b`,
  target.toUpperCase(),
  `https://pool.example${target}`,
  target.replace('me', '%6De'),
])('the self link %s fits the target', (href) => {
  expect(isContradicted(linked(href))).toBe(false);
});

test.each([
  `${target}/note`,
  `${target}s`,
  target.slice(0, -1),
  '/ucwa/oauth/v1/applications/2/me',
])('the self link %s contradicts the target', (href) => {
  expect(isContradicted(linked(href))).toBe(true);
});

test('a part that is no 200 with JSON and a self link contradicts nothing', () => {
  const other = linked('/other');
  expect(isContradicted(other, { status: 404 })).toBe(false);
  expect(isContradicted(other, { type: 'text/plain' })).toBe(false);
  expect(isContradicted('{"_links":{"self":{"href":"/other')).toBe(false);
  expect(isContradicted(`{"_embedded":[${other}],"a":1}`)).toBe(false);
  expect(isContradicted('{}')).toBe(false);
});
