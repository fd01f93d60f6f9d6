import { expect, test } from '@jest/globals';
import { endToEndHeaders, namedByConnection } from '../../../src/core/wire/http-message.ts';

test.each([
  ['before', ['keep-alive', 'X-Hop, close']],
  ['after', ['X-Hop, close', 'keep-alive']],
  ['in one field with', ['Keep-Alive, x-hop , Close']],
])('a Connection field hides nothing that stands %s its keep-alive', (_where, values) => {
  const headers = values.flatMap((value) => ['Connection', value]);
  headers.push('Keep-Alive', 'timeout=5', 'X-Hop', '1', 'X-End', '2');
  expect(endToEndHeaders(headers)).toEqual(['X-End', '2']);
  expect([...namedByConnection(headers)]).toEqual(expect.arrayContaining(['close', 'x-hop']));
});

test('a Connection field that only says keep-alive takes the hop-by-hop fields away, and no others', () => {
  const headers = ['Connection', 'keep-alive', 'Keep-Alive', 'timeout=5', 'X-End', '2'];
  expect(endToEndHeaders(headers)).toEqual(['X-End', '2']);
});
