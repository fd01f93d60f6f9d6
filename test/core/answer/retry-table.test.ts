import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  retryAction,
  retryTable,
  type BatchedMethod,
} from '../../../src/core/answer/retry-table.ts';
import { retryAfterMs } from '../../../src/core/answer/retry-after.ts';

const sendsAgain = new Set(['requeue', 'smaller', 'unbatched', 'retry']);
const writes: readonly BatchedMethod[] = ['PUT', 'DELETE', 'POST'];

describe('the retry table', () => {
  test('never sends a write again that may have run', () => {
    for (const row of retryTable.filter(({ phase }) => phase === 'unknown')) {
      for (const method of writes)
        expect([row.description, sendsAgain.has(row[method])]).toEqual([row.description, false]);
    }
  });

  test('treats a write that did not run like a GET', () => {
    for (const row of retryTable.filter(({ phase }) => phase === 'unsent')) {
      for (const method of writes) expect(row[method]).toBe(row.GET);
    }
  });

  test('has an action for a GET and for a write after each failure', () => {
    const actions = retryTable.map((row) => {
      const [write, ...others] = new Set(writes.map((method) => row[method]));
      expect(others).toEqual([]);
      return `${row.cause}, ${row.phase}: ${row.GET}, ${write}`;
    });
    expect(actions).toEqual([
      'refused, unsent: requeue, requeue',
      'refused_part, unknown: retry, relay',
      'no_batch, unsent: unbatched, unbatched',
      'request_too_large, unsent: smaller, smaller',
      'not_read, unsent: retry, retry',
      'doubted, unknown: retry, fail',
      'server_error, unknown: retry, relay',
      'not_understood, unknown: retry, fail',
      'malformed_part, unknown: retry, fail',
      'miscounted, unknown: retry, fail',
      'broken_off, unknown: retry, fail',
      'answer_too_large, unknown: retry, fail',
      'connection, unsent: retry, retry',
      'connection, unknown: retry, fail',
      'tls, unsent: fail, fail',
      'tls, unknown: fail, fail',
      'own_mistake, unsent: fail, fail',
      'own_mistake, unknown: fail, fail',
    ]);
    expect(retryTable.filter(({ description }) => description.length < 10)).toEqual([]);
  });

  test('has one row for each failure and phase', () => {
    const cases = retryTable.map(({ cause, phase }) => `${cause} ${phase}`);
    expect(new Set(cases).size).toBe(cases.length);
    for (const row of retryTable) {
      for (const method of ['GET', ...writes] as const) {
        expect(retryAction(row.cause, method, row.phase)).toBe(row[method]);
      }
    }
  });

  test('does not send a call again without a row', () => {
    expect(retryAction('refused', 'GET', 'unknown')).toBe('fail');
    expect(retryAction('connection', 'PATCH', 'unsent')).toBe('fail');
  });
});

describe('Retry-After', () => {
  const date = 'Sat, 21 Nov 2026 08:00:00 GMT';

  test.each<[string, string | undefined, number | undefined]>([
    ['seconds', '2', 2000],
    ['a part of a second', '0.249', 249],
    ['zero', '0', 0],
    ['blanks around the number', ' 7 ', 7000],
    ['a date', 'Sat, 21 Nov 2026 08:00:05 GMT', 5000],
    ['a past date', 'Sat, 21 Nov 2026 07:00:05 GMT', 0],
    ['no field', undefined, undefined],
    ['words', 'soon', undefined],
    ['a negative number', '-1', undefined],
    ['an exponent', '1e9', undefined],
  ])('is read correctly: %s', (_what, field, expected) => {
    expect(retryAfterMs(field, date)).toBe(expected);
  });

  test('is ignored if it is a date and the response has no Date', () => {
    expect(retryAfterMs('Sat, 21 Nov 2026 08:00:05 GMT', undefined)).toBeUndefined();
  });

  test('is undefined or not negative for all values', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (field, other) => {
        const ms = retryAfterMs(field, other);
        expect(ms === undefined || ms >= 0).toBe(true);
      }),
    );
  });
});
