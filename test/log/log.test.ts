import { describe, expect, test } from '@jest/globals';
import { createLog } from '../../src/log/log.ts';
import type { FinishedCall } from '../../src/listen/observer.ts';

const call: FinishedCall = {
  via: 'batch',
  status: 200,
  durationMs: 5,
  method: 'GET',
  target: '/ucwa/v1/applications/1/me',
  user: 'Bearer secret',
  poll: false,
  callerLeft: false,
};

/** Returns the access lines for these calls. */
function logged(access: 'all' | 'sampled' | 'problems', calls: readonly FinishedCall[]): string[] {
  const lines: string[] = [];
  const log = createLog({ level: 'info', access }, { write: (line) => void lines.push(line) });
  for (const one of calls) if (log.wants(one)) log.access(one, { id: 'a-1' });
  return lines;
}

describe('access lines', () => {
  test('in mode sampled are one of a hundred, and every problem', () => {
    const calls = Array.from({ length: 300 }, (_, i) => ({
      ...call,
      status: i === 150 ? 503 : 200,
    }));
    expect(logged('sampled', calls)).toHaveLength(4);
  });

  test.each<[string, Partial<FinishedCall>, number]>([
    ['a fast success', {}, 0],
    ['a failure', { status: 504 }, 1],
    ['a refusal', { via: 'refused', status: 400 }, 1],
    ['a 429', { status: 429 }, 1],
    ['a slow call', { durationMs: 1001 }, 1],
    ['an event poll, which is normally slow', { durationMs: 60_000, poll: true }, 0],
  ])('in mode problems: %s', (_what, changes, count) => {
    expect(logged('problems', [{ ...call, ...changes }])).toHaveLength(count);
  });

  test('contain no unknown method and no credential', () => {
    const [line = ''] = logged('all', [{ ...call, method: 'SECRET' }]);
    expect(JSON.parse(line)).toMatchObject({ method: 'OTHER' });
    expect(line.toLowerCase()).not.toContain('secret');
  });
});

test('an error is logged with its class, code and stack, never with its message', () => {
  const lines: string[] = [];
  const log = createLog(
    { level: 'info', access: 'all' },
    { write: (line) => void lines.push(line) },
  );
  log.failure(
    'internal error',
    Object.assign(new Error('token cwt=secret\nof ann\n    at secret'), { code: 'E1' }),
  );
  log.failure('internal error', 'secret');
  expect(lines.join('')).not.toContain('secret');
  expect(lines.join('')).not.toContain('of ann');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ code: 'E1', msg: 'internal error' });
});

describe('a line with a secret', () => {
  test.each([
    'Bearer cwt=AAEBHAEF',
    'bearer eyJhbGciOi',
    'Basic YW5uOnNlY3JldA==',
    'Cookie: cwt_ucwa=1',
    'at sip:dana@pool.example',
  ])('is withheld and reported: %s', (text) => {
    const lines: string[] = [];
    const log = createLog(
      { level: 'info', access: 'all' },
      { write: (line) => void lines.push(line) },
    );
    let withheld = 0;
    log.onWithheld(() => (withheld += 1));
    log.warn('before', { text: 'a bearer of sip.pool.example' });
    log.warn('this', { text });
    log.warn(text);
    log.warn('after');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'before',
      ...Array<string>(2).fill('a line was withheld: it would have shown a secret'),
      'after',
    ]);
    expect(withheld).toBe(2);
  });
});
