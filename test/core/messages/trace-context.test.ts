/** Trace contexts and ids of clients: what is read, and what is refused. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  clientsId,
  readTraceContext,
  readTraceparent,
  readTracestate,
  writeTraceparent,
} from '../../../src/core/messages/trace-context.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const parent = `00-${traceId}-${parentId}-01`;

describe('a traceparent', () => {
  test.each([
    [parent, { traceId, parentId, isSampled: true, isRandom: false }],
    [`00-${traceId}-${parentId}-00`, { traceId, parentId, isSampled: false, isRandom: false }],
    [`00-${traceId}-${parentId}-02`, { traceId, parentId, isSampled: false, isRandom: true }],
    [`00-${traceId}-${parentId}-ff`, { traceId, parentId, isSampled: true, isRandom: true }],
    // A later version counts by the fields of version 00.
    [`01-${traceId}-${parentId}-03`, { traceId, parentId, isSampled: true, isRandom: true }],
    [`fe-${traceId}-${parentId}-01-more-`, { traceId, parentId, isSampled: true, isRandom: false }],
    [`cc-${traceId}-${parentId}-01-`, { traceId, parentId, isSampled: true, isRandom: false }],
  ])('is read: %j', (value, read) => {
    expect(readTraceparent(value)).toEqual(read);
  });

  test.each([
    '',
    `ff-${traceId}-${parentId}-01`,
    `0-${traceId}-${parentId}-01`,
    `00-${'0'.repeat(32)}-${parentId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${parentId}-01`,
    `00-${traceId}-${parentId.toUpperCase()}-01`,
    `0A-${traceId}-${parentId}-01`,
    `00-${traceId}-${parentId}-0A`,
    `00-${traceId.slice(1)}-${parentId}-01`,
    `00-${traceId}0-${parentId}-01`,
    `00-${traceId}-${parentId}-1`,
    `00-${traceId}-${parentId}-01-more`,
    `00-${traceId}-${parentId}-01-`,
    `01-${traceId}-${parentId}-01.more`,
    ` ${parent}`,
    `${parent} `,
    `${parent}\n`,
    `${parent}, ${parent}`,
    `00_${traceId}_${parentId}_01`,
    `01-${traceId}-${parentId}-01-${'x'.repeat(512)}`,
  ])('is refused: %j', (value) => {
    expect(readTraceparent(value)).toBeUndefined();
  });

  test('is written in the form in which it is read', () => {
    const hex = (length: number): fc.Arbitrary<string> =>
      fc
        .array(fc.constantFrom(...Array.from({ length: 16 }, (_, digit) => digit.toString(16))), {
          minLength: length,
          maxLength: length,
        })
        .map((digits) => digits.join(''))
        .filter((digits) => /[^0]/.test(digits));
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), fc.boolean(), (...parts) => {
        const [trace, span, isSampled, isRandom] = parts;
        const written = { traceId: trace, parentId: span, isSampled, isRandom };
        expect(readTraceparent(writeTraceparent(written))).toEqual(written);
      }),
    );
  });
});

describe('a tracestate', () => {
  test.each([
    ['', ''],
    ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
    [' a=1 ,\t b=2\t,, 3c@d=x y', 'a=1,b=2,3c@d=x y'],
    ['a_-*/@=!+-<>~', 'a_-*/@=!+-<>~'],
    [`${'k'.repeat(256)}=1`, `${'k'.repeat(256)}=1`],
  ])('is read: %j', (value, read) => {
    expect(readTracestate(value)).toBe(read);
  });

  test.each(
    [
      'a',
      'a=',
      '=1',
      'A=1',
      '_a=1',
      'a =1',
      'a=1=2',
      'a=\u00e9',
      'a=1\tb',
      'a=1,a=2',
      `${'k'.repeat(257)}=1`,
      `a=${'v'.repeat(257)}`,
      Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(','),
      'a=1,'.repeat(3000),
      ' '.repeat(9000),
    ].map((value) => [value.slice(0, 20), value] as const),
  )('is refused as a whole: %j', (_, value) => {
    expect(readTracestate(value)).toBe('');
  });

  test('has 32 members at most', () => {
    const members = Array.from({ length: 32 }, (_, i) => `k${i}=1`).join(',');
    expect(readTracestate(members)).toBe(members);
  });

  test('loses long members first, and then members from the end, above 512 characters', () => {
    const long = `long=${'v'.repeat(200)}`;
    const members = Array.from({ length: 8 }, (_, i) => `k${i}=${'v'.repeat(80)}`);
    const read = readTracestate([members[0], long, ...members.slice(1)].join(','));
    expect(read).toBe(members.slice(0, 6).join(','));
    expect(read.length).toBeLessThanOrEqual(512);
  });

  test('is bounded and has legal characters only, whatever the client sends', () => {
    const piece = fc.constantFrom(
      'a=1',
      'b',
      '=',
      ',',
      ' ',
      '\t',
      `k=${'v'.repeat(130)}`,
      '\r\n',
      '@',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        expect(readTracestate(pieces.join(''))).toMatch(/^[ -~]{0,512}$/);
      }),
    );
  });
});

describe('the trace context of a request', () => {
  test('joins the tracestate fields', () => {
    const headers = ['tracestate', 'a=1', 'TraceParent', parent, 'Tracestate', 'b=2'];
    expect(readTraceContext(headers)).toMatchObject({ traceId, parentId, state: 'a=1,b=2' });
  });

  test('has an empty state if the state is invalid', () => {
    expect(readTraceContext(['traceparent', parent, 'tracestate', '!'])).toMatchObject({
      state: '',
    });
  });

  test.each([
    [[]],
    [['tracestate', 'a=1']],
    [['traceparent', 'x']],
    [['traceparent', parent, 'traceparent', parent]],
  ])('is missing: %j', (headers) => {
    expect(readTraceContext(headers)).toBeUndefined();
  });
});

describe('the id that a client gives to a call', () => {
  const guid = '5e2d1b34-3a1c-4d0e-9a41-6a2c0e8a9d11';

  test.each([
    [['X-Request-Id', guid], guid],
    [['client-request-id', `{${guid}}`], `{${guid}}`],
    [['Client-Request-ID', 'b', 'X-Request-ID', 'a'], 'a'],
    [['x-request-id', 'a b', 'client-request-id', 'b'], 'b'],
    [['traceparent', parent], traceId],
    [['traceparent', parent, 'x-request-id', '\u00e9'], traceId],
    [['x-request-id', 'a'.repeat(128)], 'a'.repeat(128)],
  ])('is read: %j', (headers, id) => {
    expect(clientsId(headers)).toBe(id);
  });

  // Envoy's CVE-2024-45808: text of a client forged lines of the access log.
  test.each([
    [[]],
    [['x-request-id', '']],
    [['x-request-id', 'a'.repeat(129)]],
    [['x-request-id', 'a\nlevel=error msg=forged']],
    [['x-request-id', 'a\u001b[31m']],
    [['x-request-id', 'a"; b']],
    [['x-request-id', 'a=b']],
    [['x-request-id', 'a,b']],
    [['x-request-id', 'a%0ab']],
    [['x-request-id', 'sip:anna@contoso.com']],
    [['x-request-id', '-']],
    [['x-request-id', '#Fields:']],
    [['x-request-id', '<script>']],
    [['x-request-id', 'a', 'X-Request-Id', 'b']],
    [['traceparent', `00-${'0'.repeat(32)}-${parentId}-01`]],
    [['traceparent', parent, 'traceparent', parent]],
    // A credential is no id.
    [['Authorization', 'Bearer abcdefgh.ijkl', 'x-request-id', 'abcdefgh.ijkl']],
    [['Cookie', 'session=0123456789', 'x-request-id', '0123456789']],
    [['X-MS-WebTicket', 'opaque-ticket', 'client-request-id', 'opaque-t']],
  ])('is missing: %j', (headers) => {
    expect(clientsId(headers)).toBeUndefined();
  });
});
