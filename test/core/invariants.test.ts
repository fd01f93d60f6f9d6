import { describe, expect, test } from '@jest/globals';
import { batchKey, type BatchKey } from '../../src/core/ucwa/batch-key.ts';
import { readHead } from '../../src/core/admit/request-head.ts';
import {
  assertInside,
  assertOneKey,
  assertSameQuestion,
  InvariantViolation,
} from '../../src/core/invariants.ts';
import type { OutgoingCall } from '../../src/core/messages/outgoing-call.ts';

const app = '/ucwa/oauth/v1/applications/1';

function aCall(target: string, headers: readonly string[], key?: BatchKey): OutgoingCall {
  return {
    method: 'GET',
    target,
    headers,
    body: Buffer.alloc(0),
    key: key ?? batchKey(app, readHead(headers), 'pool', []),
  };
}

function violated(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof InvariantViolation) return error.code;
    throw error;
  }
}

describe('calls may share an envelope', () => {
  const ann = ['Authorization', 'Bearer ann', 'Cookie', 'c=1', 'Origin', 'https://a.example'];
  const oldest = aCall(`${app}/me`, ann);

  test('if their keys are equal', () => {
    expect(violated(() => assertOneKey(oldest, aCall(`${app}/me/note`, ann)))).toBeUndefined();
    expect(violated(() => assertOneKey(oldest, oldest))).toBeUndefined();
  });

  test.each([
    ['another token', ['Authorization', 'Bearer ben', ...ann.slice(2)]],
    ['a token in another case', ['Authorization', 'bearer ann', ...ann.slice(2)]],
    ['a token and a ticket', [...ann, 'X-MS-WebTicket', 't']],
    ['no token', ann.slice(2)],
    ['another cookie', [...ann.slice(0, 2), 'Cookie', 'c=2', ...ann.slice(4)]],
    ['another origin', [...ann.slice(0, 4), 'Origin', 'https://b.example']],
  ])('but not with %s, in their keys or in their fields', (_what, headers) => {
    expect(violated(() => assertOneKey(oldest, aCall(`${app}/me`, headers)))).toBe('one_key');
    // The key differs from the fields of the caller. Only the fields with credentials are checked again.
    const wrongKey = aCall(`${app}/me`, headers, oldest.key);
    const isChecked = !headers.includes('https://b.example');
    expect(violated(() => assertOneKey(oldest, wrongKey))).toBe(isChecked ? 'one_key' : undefined);
  });
});

test('assertSameQuestion refuses calls with different targets or keys', () => {
  const ann = ['Authorization', 'Bearer ann'];
  const mine = aCall(`${app}/me`, ann);
  const ofAnother = (call: OutgoingCall) => violated(() => assertSameQuestion(call, mine));
  expect(ofAnother(aCall(`${app}/me`, ann))).toBeUndefined();
  expect(ofAnother(aCall(`${app}/me?n=1`, ann))).toBe('one_answer');
  expect(ofAnother(aCall(`${app}/me`, ['Authorization', 'Bearer ben']))).toBe('one_answer');
});

describe('a target', () => {
  const checked = (target: string) => violated(() => assertInside(aCall(target, [])));

  test.each([
    '/me',
    '/me/note?n=1',
    '/people/sip:dana@pool.example/note',
    '/people/a%20b%40c/presence?q=%2e%2e%2f',
    '/communication/conversations/batchwork',
    '/me/batch',
    '/photosynthesis',
    '/x?u=../../events/photo',
  ])('inside of its application may be a part: %s', (path) => {
    expect(checked(app + path)).toBeUndefined();
  });

  test.each([
    '',
    '?x',
    '2/me',
    '/',
    '//me',
    '/me/',
    '/me/../../2/me',
    '/me/..',
    '/me/./note',
    '/%2e%2e/2/me',
    '/%252e%252e/2/me',
    '/..%2f2/me',
    '/me%5c..%5c..',
    '/me\\..\\..',
    '/me;x=1',
    '/me%3bx',
    '/me#x',
    '/me note',
    '/me\r\nX: y',
    '/me%0d%0aX',
    '/m\u00e9',
    '/batch',
    '/Batch?x',
    '/%62atch',
    '/%2562atch',
    '/batch-',
    '/batch.json',
    '/events?ack=1',
    '/photos/a',
    '/me/photo',
    '/people/a/contactPhoto',
    '/people/a/contact%50hoto;x',
  ])('outside of its application, or of a special resource, may not be a part: %s', (path) => {
    expect(checked(app + path)).toBe('inside_application');
  });

  test('of another application may not be a part', () => {
    expect(checked('/ucwa/oauth/v1/applications/2/me')).toBe('inside_application');
    expect(checked(`https://elsewhere.example${app}/me`)).toBe('inside_application');
  });
});
