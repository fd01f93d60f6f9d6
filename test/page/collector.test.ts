import { describe, expect, test } from '@jest/globals';
import { slowPart } from '../../src/page/board.ts';
import { Collector } from '../../src/page/collector.ts';
import { Effect, timeLineS } from '../../src/page/effect.ts';
import type { FinishedCall } from '../../src/listen/observer.ts';
import { call, end, part, sent } from './notes.ts';

const collector = (): Collector => new Collector(0, (name) => `hash of ${name}`);

function finished(facts: Partial<FinishedCall> = {}): FinishedCall {
  return {
    ...{ via: 'batch', status: 200, durationMs: 3, method: 'GET', target: '/', user: 'ann' },
    ...{ poll: false, callerLeft: false },
    ...facts,
  };
}

describe('the sentence', () => {
  test('has the rates of the last seconds, and the mean and p95 of the waits', () => {
    const effect = new Effect(0);
    for (let ms = 10_000; ms < 14_500; ms += 5) effect.count('calls', ms);
    for (let ms = 10_000; ms < 14_500; ms += 50) effect.count('requests', ms);
    for (let wait = 1; wait <= 100; wait += 1) effect.waited(wait, 14_000);
    expect(effect.frame(14_500)).toEqual({
      ...{ callsPerS: 200, requestsPerS: 20 },
      ...{ waited: 100, waitMs: 50.5, waitP95Ms: 95 },
    });
  });

  test('forgets what is older than five seconds', () => {
    const effect = new Effect(0);
    effect.count('calls', 1000);
    effect.waited(7, 1000);
    expect(effect.frame(7000)).toEqual({
      ...{ callsPerS: 0, requestsPerS: 0, waited: 0, waitMs: 0, waitP95Ms: 0 },
    });
  });

  test('counts the wait of a call once, however often it is sent', () => {
    const one = collector();
    one.sent(sent({ parts: [part('/me', [call(4, 1), call(8, 1, 2)])] }));
    expect(one.frame(1001).effect).toMatchObject({ waited: 1, waitMs: 5 });
  });
});

test('the time line has a place for each of the last seconds, and forgets older ones', () => {
  const effect = new Effect(0);
  effect.count('splits', 1000);
  effect.count('refused', 1000 * timeLineS);
  effect.count('refused', 1000 * timeLineS + 999);
  const line = effect.timeLine(1000 * timeLineS + 999);
  expect(line.refused).toHaveLength(timeLineS);
  expect(line.refused.at(-1)).toBe(2);
  expect(line.splits[0]).toBe(1);
  expect(effect.timeLine(1000 * (timeLineS + 1)).splits).not.toContain(1);
});

describe('the board', () => {
  test('shows parts as they come, the hold, and the reason of the departure', () => {
    const one = collector();
    one.sent(sent());
    one.answered({ key: '0-1', index: 0, status: 200, atMs: 1010 });
    const { live, names, rows } = one.frame(1020).board;
    expect(live).toBe(1);
    expect(names).toEqual(['GET /me', 'GET /people']);
    expect(rows).toMatchObject([
      {
        ...{ id: 1, flush: 'idle', holdMs: 2, tookMs: 20, isOver: false, parts: 2 },
        cells: [
          [200, 0, 10, 0],
          [0, 1, -1, 1],
        ],
      },
    ]);
  });

  test('keeps a request for a while after its end, with what went wrong', () => {
    const one = collector();
    one.sent(sent());
    one.ended(end({ fault: 'connection_refused' }));
    const [row] = one.frame(1050).board.rows;
    expect(row).toMatchObject({ isOver: true, tookMs: 40, fault: 'connection_refused' });
    expect(row?.cells.map(([status]) => status)).toEqual([-1, -1]);
    expect(one.frame(6000).board.rows).toEqual([]);
  });

  test.each([
    [[10, 11, 60], 2],
    [[10, 11, -1], 2],
    [[10, -1, -1], -1],
    [[10, 11, 12], -1],
    [[50], -1],
    [[1, 2, 5], -1],
  ])('marks the part that the others wait for: %j', (tookMs, place) => {
    expect(slowPart(tookMs)).toBe(place);
  });
});

test('the state of a user follows its requests', () => {
  const one = collector();
  one.sent(sent({ outstanding: 7 }));
  expect(one.frame(1000).users.rows).toEqual([
    {
      ...{ user: '0a1b2c3d', outstanding: 7, limit: undefined },
      ...{ isLimitMet: false, pauseMs: 0 },
    },
  ]);
  one.ended(
    end({ wasRefused: true, status: 429, limit: 6, isLimitMet: true, pausedUntilMs: 1500 }),
  );
  expect(one.frame(1200).users.rows).toEqual([
    { user: '0a1b2c3d', outstanding: 0, limit: 6, isLimitMet: true, pauseMs: 300 },
  ]);
  expect(one.frame(70_000).users.rows).toEqual([]);
});

test('routes have the times of their good answers, and their lanes', () => {
  const one = collector();
  one.sent(sent({ parts: [part(), { ...part('/search'), isSlow: true }] }));
  one.answered({ key: '0-1', index: 0, status: 200, atMs: 1010 });
  one.ended(end({ status: 200 }));
  expect(one.frame(2000).routes).toEqual([
    { route: 'GET /me', calls: 1, p50Ms: 40, p95Ms: 40, lane: 'batched' },
    { route: 'GET /search', calls: 1, p50Ms: 40, p95Ms: 40, lane: 'alone' },
  ]);
});

describe('the tap', () => {
  test('explains a call, and says why it was not answered as usual', () => {
    const one = collector();
    one.sent(sent());
    one.answered({ key: '0-1', index: 0, status: 200, atMs: 1010 });
    one.ended(end({ fault: 'http_response_incomplete', goesBack: [false, true] }));
    expect(one.frame(1041).tap).toEqual({
      skipped: 0,
      rows: [
        {
          ...{ agoMs: 1, method: 'GET', route: '/me', via: 'batch', status: 200, tookMs: 1040 },
          ...{ user: '0a1b2c3d', reason: '' },
          explain: 'id=1; parts=2; position=0; hold=2.0; flush=idle; attempts=1',
        },
        {
          ...{ agoMs: 1, method: 'GET', route: '/people', via: 'batch', status: 0, tookMs: 1040 },
          ...{ user: '0a1b2c3d', reason: 'http_response_incomplete; waits to be sent again' },
          explain: 'id=1; parts=2; position=1; hold=2.0; flush=idle; attempts=1',
        },
      ],
    });
    expect(one.frame(1100).tap.rows).toEqual([]);
  });

  test('shows neither path, query nor user of a call that was not sent by the scheduler', () => {
    const one = collector();
    const target = '/ucwa/v1/applications/7/people/ann@example.com?x=secret';
    one.refused('queue_calls', 5);
    one.finished(finished({ via: 'refused', status: 503, target, method: 'SECRET' }), 5);
    one.finished(
      finished({ via: 'passthrough', callerLeft: true, status: 0, target, user: '' }),
      6,
    );
    expect(one.frame(6).tap.rows).toMatchObject([
      {
        ...{ method: 'OTHER', route: '/ucwa/v1/applications/{}/people/{}', user: 'hash of ann' },
        ...{ status: 503, reason: 'queue_calls', explain: '' },
      },
      { user: '', reason: 'caller left' },
    ]);
  });

  test('takes a sample of many calls, and prefers problems', () => {
    const one = collector();
    for (let n = 0; n < 100; n += 1) one.finished(finished({ via: 'passthrough' }), n);
    one.finished(finished({ via: 'passthrough', status: 502 }), 100);
    const { skipped, rows } = one.frame(100).tap;
    expect(rows.length + skipped).toBe(101);
    expect(rows.at(-1)).toMatchObject({ status: 502, reason: 'failed' });
  });
});

test('a request that was sent before the page was opened is not counted', () => {
  const one = collector();
  expect(one.ended(end())).toBeUndefined();
  one.answered({ key: '0-1', index: 0, status: 200, atMs: 1010 });
  expect(one.frame(1100)).toMatchObject({
    ...{ board: { rows: [] }, routes: [], tap: { rows: [] } },
    totals: { batches: 0, singles: 0 },
  });
});

test('a frame has a bounded size, whatever happens between two of them', () => {
  const one = collector();
  const long = `/${'x'.repeat(79)}`;
  for (let n = 0; n < 3000; n += 1) {
    const key = `0-${n}`;
    const user = String(n).padStart(8, '0');
    const parts = Array.from({ length: 100 }, (_, i) => part(`${long}${n % 7}${i}`));
    one.sent(sent({ key, id: n, user, parts, atMs: 1000 + n / 100 }));
    if (n % 2 === 0) one.ended(end({ key, user, status: 200, goesBack: [] }));
  }
  const frame = one.frame(2000);
  expect(JSON.stringify(frame).length).toBeLessThan(131_072);
  expect(frame.board.live).toBeLessThanOrEqual(2000);
  expect(frame.users.known).toBeLessThanOrEqual(1000);
});

test('a call does not have the reason of input that was refused before it became a call', () => {
  const one = collector();
  one.refused('malformed', 5);
  one.finished(finished({ via: 'passthrough' }), 6);
  one.refused('queue_calls', 7);
  one.finished(finished({ via: 'refused', status: 503 }), 7);
  expect(one.frame(8).tap.rows.map(({ reason }) => reason)).toEqual(['', 'queue_calls']);
});
