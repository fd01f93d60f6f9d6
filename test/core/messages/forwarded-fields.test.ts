import { expect, test } from '@jest/globals';
import { readHead } from '../../../src/core/admit/request-head.ts';
import {
  describedByPeer,
  describedByProxy,
  sameForwarded,
} from '../../../src/core/messages/forwarded-fields.ts';

test('the description by a trusted peer keeps its values, and joins repeated fields', () => {
  const head = [
    ...['forwarded', 'for=a', 'X-FORWARDED-FOR', '1.1.1.1', 'x-forwarded-for', '2.2.2.2'],
    ...['X-Forwarded-Host', 'web.example', 'x-forwarded-proto', 'https', 'Forwarded', 'for=b'],
    ...['X_Forwarded_For', '6.6.6.6', 'X-Forwarded-Server', 's'],
  ];
  expect(describedByPeer(readHead(head))).toEqual([
    ...['X-Forwarded-For', '1.1.1.1, 2.2.2.2', 'X-Forwarded-Proto', 'https'],
    ...['X-Forwarded-Host', 'web.example', 'Forwarded', 'for=a, for=b'],
  ]);
  expect(describedByPeer(readHead(['Host', 'a']))).toEqual([]);
});

test('the description by the proxy has the address, the scheme and the name that the client used', () => {
  expect(describedByProxy('192.0.2.1', 'https', 'Web.example:8443')).toEqual([
    ...['X-Forwarded-For', '192.0.2.1', 'X-Forwarded-Proto', 'https'],
    ...['X-Forwarded-Host', 'Web.example:8443'],
  ]);
  expect(describedByProxy(undefined, 'http', undefined)).toEqual(['X-Forwarded-Proto', 'http']);
});

test('descriptions are equal only if all fields are', () => {
  const one = describedByProxy('192.0.2.1', 'http', 'a');
  expect(sameForwarded(one, [...one])).toBe(true);
  for (const other of [
    describedByProxy('192.0.2.2', 'http', 'a'),
    describedByProxy('192.0.2.1', 'https', 'a'),
    describedByProxy('192.0.2.1', 'http', 'b'),
    describedByProxy('192.0.2.1', 'http', undefined),
  ]) {
    expect([sameForwarded(one, other), sameForwarded(other, one)]).toEqual([false, false]);
  }
});
