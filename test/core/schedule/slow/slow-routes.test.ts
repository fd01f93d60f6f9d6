/** Lanes: which routes are kept out of the batches of others, and which are not. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Call } from '../../../../src/core/schedule/state.ts';
import { RouteLatency } from '../../../../src/core/schedule/estimators/route-latency.ts';
import { SlowRoutes, Lanes } from '../../../../src/core/schedule/slow/slow-routes.ts';
import { waitTimesOf } from '../../../../src/core/schedule/queue/queue-time.ts';
import { aKey, aReply, app, Recorder } from '../../../support/recording-sink.ts';
import { newUser } from '../../../../src/core/schedule/queue/users.ts';
import { nextReady, streamOf } from '../../../../src/core/schedule/queue/stream.ts';

/** Records answers of a route, and for each of them three answers of another route after 30 ms. */
function learn(lanes: Lanes, route: RouteLatency, usual: RouteLatency, ...tookMs: number[]): void {
  for (const ms of tookMs) {
    for (const [which, took] of [
      [usual, 30],
      [usual, 30],
      [usual, 30],
      [route, ms],
    ] as const) {
      which.add(took);
      lanes.update(which);
    }
  }
}

test('the latency of a route comes from its last twenty answers, in any order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 3 }), (answersMs) => {
      const route = new RouteLatency('a');
      for (const ms of answersMs) route.add(ms);
      const last = answersMs.slice(-20).sort((a, b) => a - b);
      const at = (share: number) => last[Math.floor(last.length * share)];
      expect([route.medianMs, route.ownMs]).toEqual([at(0.5), at(0.25)]);
    }),
  );
});

/** Lanes for a pool that answers most calls after 30 ms. */
function lanesOf30Ms(): { lanes: Lanes; usual: RouteLatency } {
  const lanes = new Lanes();
  const usual = new RouteLatency('a');
  for (let i = 0; i < 400; i += 1) {
    usual.add(30);
    lanes.update(usual);
  }
  return { lanes, usual };
}

const many = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

describe('a route is slow', () => {
  test('after 20 answers have shown three times the latency of most calls', () => {
    const { lanes, usual } = lanesOf30Ms();
    const route = new RouteLatency('a');
    learn(lanes, route, usual, ...many(19, 90));
    expect(route.isSlow).toBe(false);
    learn(lanes, route, usual, 90);
    expect(route.isSlow).toBe(true);
    const lesser = new RouteLatency('a');
    learn(lanes, lesser, usual, ...many(100, 89));
    expect(lesser.isSlow).toBe(false);
  });

  test('until its latency is less than twice that of most calls', () => {
    const { lanes, usual } = lanesOf30Ms();
    const route = new RouteLatency('a');
    learn(lanes, route, usual, ...many(40, 90));
    learn(lanes, route, usual, ...many(100, 65));
    expect(route.isSlow).toBe(true);
    learn(lanes, route, usual, ...many(100, 59));
    expect(route.isSlow).toBe(false);
  });

  test('if it was never in a fast batch, not if it is mostly batched with slow routes', () => {
    const { lanes, usual } = lanesOf30Ms();
    const mate = new RouteLatency('a');
    // Seven of every ten batches of the route had a slow part.
    for (let i = 0; i < 30; i += 1) learn(lanes, mate, usual, ...many(7, 1200), ...many(3, 31));
    expect(mate.isSlow).toBe(false);
    const slow = new RouteLatency('a');
    for (let i = 0; i < 30; i += 1) learn(lanes, slow, usual, ...many(9, 1200), 31);
    expect(slow.isSlow).toBe(true);
  });

  test('not for a few milliseconds, and not if the latency of the others is unknown', () => {
    const lanes = new Lanes();
    const quick = new RouteLatency('a');
    const slower = new RouteLatency('a');
    for (let i = 0; i < 400; i += 1) {
      quick.add(2);
      lanes.update(quick);
      if (i % 4 > 0) continue;
      slower.add(20);
      lanes.update(slower);
    }
    expect(slower.isSlow).toBe(false);
    const only = new RouteLatency('a');
    const fresh = new Lanes();
    for (let i = 0; i < 400; i += 1) {
      only.add(3000);
      fresh.update(only);
    }
    expect(only.isSlow).toBe(false);
  });
});

const arrival = (path: string, method = 'GET') => ({
  callClass: method === 'GET' ? ('safe' as const) : ('unsafe' as const),
  method,
  resource: `${app}${path}`,
  key: aKey('ann'),
});

describe('the latency of routes', () => {
  /** Returns the latency record after a 2xx answer. */
  function afterAnswer(routes: SlowRoutes, path: string, method = 'GET'): RouteLatency {
    routes.answered(routes.of(arrival(path, method)), 10);
    return routes.of(arrival(path, method));
  }

  test('is shared by all paths of one template, but not by two methods', () => {
    const routes = new SlowRoutes();
    const ann = afterAnswer(routes, '/people/ann@example.com/note');
    expect(routes.of(arrival('/people/bob@example.com/note'))).toBe(ann);
    expect(afterAnswer(routes, '/people/bob@example.com/presence')).not.toBe(ann);
    const post = afterAnswer(routes, '/me/note', 'POST');
    expect(afterAnswer(routes, '/me/note')).not.toBe(post);
    expect(afterAnswer(routes, '/me/note', 'PUT')).not.toBe(post);
    expect(routes.of(arrival('/me/note', 'POST'))).toBe(post);
  });

  const words = ['me', 'note', 'people', 'presence', 'location', 'groups', 'contacts', 'phones'];
  const nth = (n: number): string =>
    n
      .toString(8)
      .padStart(5, '0')
      .replace(/./g, (digit) => `/${words[Number(digit)]}`);

  test('is bounded: of 10,000 routes, those with the oldest answers are forgotten', () => {
    const routes = new SlowRoutes();
    const first = afterAnswer(routes, nth(0));
    const used = afterAnswer(routes, nth(1));
    for (let i = 2; i < 10_000; i += 1) {
      afterAnswer(routes, nth(i));
      if (i % 100 === 0) afterAnswer(routes, nth(1));
    }
    expect(routes.of(arrival(nth(0)))).not.toBe(first);
    expect(routes.of(arrival(nth(1)))).toBe(used);
  });

  test('is not evicted by calls without 2xx answers', () => {
    const routes = new SlowRoutes();
    const known = afterAnswer(routes, '/me');
    for (let i = 0; i < 10_000; i += 1) routes.of(arrival(nth(i)));
    expect(routes.of(arrival('/me'))).toBe(known);
  });
});

/** A pool that answers `/me/search` after 1,200 ms and everything else after 30. */
function taught(): Recorder {
  const recorder = new Recorder({ timeoutMs: 30_000 });
  for (let i = 0; i < 500; i += 1) {
    const path = i % 10 === 0 ? 'me/search' : 'me/note';
    const nowMs = i * 2000;
    recorder.submit(path, nowMs, aKey('ann'), { target: `${app}/${path}` });
    recorder.core.wake(nowMs + 10);
    recorder.grant(nowMs + 10);
    const tookMs = path === 'me/search' ? 1200 : 30;
    recorder.core.settle(
      recorder.batches.pop()!,
      { kind: 'relay', reply: aReply('x') },
      nowMs + 10 + tookMs,
    );
  }
  recorder.permits.length = 0;
  return recorder;
}

describe('calls of a slow route', () => {
  const startMs = 1_000_000;

  test('are sent at once and unbatched, while the others are held for each other', () => {
    const recorder = taught();
    for (const [ticket, path] of [
      ['a', 'me/note'],
      ['b', 'me/search'],
      ['c', 'me/note'],
      ['d', 'me/phones'],
    ] as const) {
      recorder.submit(ticket, startMs, aKey('ann'), { target: `${app}/${path}?${ticket}` });
    }
    expect(recorder.grant(startMs)).toEqual(['b (idle)']);
    expect(recorder.batches[0]!.takesSlot).toBe(false);
    recorder.core.wake(startMs + 10);
    expect(recorder.grant(startMs + 10)).toEqual(['a c d (linger)']);
  });

  test('are sent after an operation of their user, whichever came first', () => {
    const recorder = taught();
    const target = `${app}/me/search`;
    recorder.submit('slow', startMs, aKey('ann'), { target });
    recorder.submit('operation', startMs + 1, aKey('ann'), { callClass: 'operation' });
    expect(recorder.grant(startMs + 1)).toEqual(['operation (idle)', 'slow (idle)']);
  });

  test('are sent after operations, and the operation that waited longest goes first', () => {
    const user = newUser<string>('ann', undefined, 0);
    const streams = [100, 50].map((sinceMs) => {
      const key = aKey('ann', app, `browser=${sinceMs}`);
      const stream = streamOf(user, key, 'operation', true);
      const resource = `${app}/${sinceMs}`;
      const facts = { callClass: 'operation', resource, arrivedAtMs: 0, rankMs: 0 } as const;
      const call = facts as unknown as Call<string>;
      user.order.arrive(call);
      stream.queue.push(call);
      stream.hold = { kind: 'ready', reason: 'idle', sinceMs, held: false };
      return stream;
    });
    expect(nextReady(user, true)).toBe(streams[1]);
  });

  test('keep their place in the order of writes', () => {
    const recorder = taught();
    const target = `${app}/me/search`;
    recorder.submit('write', startMs, aKey('ann'), { target, callClass: 'unsafe' });
    recorder.submit('read', startMs + 1, aKey('ann'), { target });
    expect(recorder.grant(startMs + 1)).toEqual(['write (barrier)', 'read (idle)']);
  });
});

describe('a request that takes much longer than most', () => {
  test('frees its slot for others of its user, whether it is a batch or a write', () => {
    for (const callClass of ['safe', 'unsafe'] as const) {
      const recorder = taught();
      recorder.submit('a', 1_000_000, aKey('ann'), { callClass });
      recorder.core.wake(1_000_010);
      recorder.grant(1_000_010);
      recorder.core.wake(1_000_010 + 89);
      expect(recorder.freed).toEqual([]);
      recorder.core.wake(1_000_010 + 90);
      expect(recorder.freed).toEqual(recorder.batches);
      recorder.core.wake(1_000_010 + 500);
      expect(recorder.freed).toHaveLength(1);
    }
  });

  test('has only its late GETs sent again', () => {
    const recorder = taught();
    for (const ticket of ['note', 'phones']) {
      recorder.submit(ticket, 1_000_000, aKey('ann'), { target: `${app}/me/${ticket}?1` });
    }
    recorder.core.wake(1_000_010);
    expect(recorder.grant(1_000_010)).toEqual(['note phones (linger)']);
    recorder.core.wake(1_000_010 + 90);
    expect(recorder.grant(1_000_010 + 90)).toEqual(['note (idle)']);
    // The hold was counted with the batch.
    const [batch, beside] = recorder.batches;
    expect(waitTimesOf(batch!.calls[0]!, batch!.calls[0]!, batch!).hold).toBe(10);
    expect(waitTimesOf(beside!.calls[0]!, beside!.calls[0]!, beside!).hold).toBeUndefined();
    // Half of the remaining time of the caller.
    recorder.core.wake(1_000_010 + 14_995);
    expect(recorder.grant(1_000_010 + 14_995)).toEqual(['phones (idle)']);
    expect(recorder.noted.filter((note) => note === 'late batch')).toHaveLength(1);
    expect(recorder.freed).toHaveLength(1);
  });
});
