/** The urgency of a call changes its hold, and its place among the calls that wait. */
import { describe, expect, test } from '@jest/globals';
import { aKey, aReply, app, Recorder } from '../../support/recording-sink.ts';
import type { Arrival } from '../../../src/core/schedule/state.ts';
import type { Policy } from '../../../src/core/schedule/policy.ts';
import { LimitedPool } from '../../support/limited-pool.ts';

const urgent = { urgency: 0 };
const patient = { urgency: 7 };

/** Submits a call, and lets the turn of the event loop end. Returns the batches that were sent. */
function ask(
  recorder: Recorder,
  ticket: string,
  nowMs: number,
  changes: Partial<Arrival<string>> = {},
  key = aKey('ann'),
): string[] {
  recorder.submit(ticket, nowMs, key, changes);
  recorder.turn(nowMs);
  return recorder.grant(nowMs);
}

/** Lets the clock go to the time of each timer, until the end. */
function until(recorder: Recorder, endMs: number): string[] {
  const sent: string[] = [];
  while (recorder.alarmAtMs <= endMs) {
    const nowMs = recorder.alarmAtMs;
    recorder.alarmAtMs = Infinity;
    recorder.core.wake(nowMs);
    sent.push(...recorder.grant(nowMs).map((names) => `${nowMs}: ${names}`));
  }
  return sent;
}

describe('an urgent call', () => {
  test.each([0, 1])('is not held in a window: u=%i', (urgency) => {
    expect(ask(new Recorder(), 'a', 0, { urgency })).toEqual(['a (idle)']);
  });

  test.each([2, 3, 4, 5, undefined])(
    'is held in a window if it is less urgent: u=%s',
    (urgency) => {
      const recorder = new Recorder();
      expect(ask(recorder, 'a', 0, { urgency })).toEqual([]);
      expect(until(recorder, 50)).toEqual(['10: a (linger)']);
    },
  );

  test('takes the calls along that are held, those without urgency and those that wait', () => {
    const recorder = new Recorder();
    ask(recorder, 'a', 0);
    ask(recorder, 'b', 1, patient);
    expect(ask(recorder, 'c', 2, urgent)).toEqual(['a b c (idle)']);
  });

  test('shares a batch with urgent calls that arrive in the same turn', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), urgent);
    recorder.submit('b', 0, aKey('ann'), urgent);
    expect(recorder.grant(0)).toEqual([]);
    recorder.turn(0);
    expect(recorder.grant(0)).toEqual(['a b (idle)']);
  });

  test('is not held if a companion is likely', () => {
    const recorder = taught({ mode: 'adaptive' });
    expect(ask(recorder, 'a', later)).toEqual([]);
    expect(ask(recorder, 'b', later, urgent, aKey('ben'))).toEqual(['b (idle)']);
  });

  test('sends a write before it that waits, also if the write has another cookie', () => {
    const recorder = new Recorder();
    const note = { callClass: 'unsafe', target: `${app}/me/note` } as const;
    ask(recorder, 'w', 0, { ...note, ...patient });
    expect(ask(recorder, 'g', 1, { target: note.target, ...urgent })).toEqual([
      'w (barrier)',
      'g (idle)',
    ]);
    ask(recorder, 'v', 2, { ...note, target: `${app}/me/mood`, ...patient });
    const other = { ...note, target: `${app}/me/mood`, ...urgent };
    const withCookie = aKey('ann', app, 'a=1');
    expect(ask(recorder, 'x', 3, other, withCookie)).toEqual(['v (barrier)']);
    recorder.core.settle(recorder.batches.at(-1)!, { kind: 'relay', reply: aReply('') }, 20);
    expect(recorder.grant(20)).toEqual(['x (idle)']);
  });

  test('waits for a backoff and for the order of writes like others', () => {
    const recorder = new Recorder({ mode: 'off' });
    const note = { callClass: 'unsafe', target: `${app}/me/note` } as const;
    expect(ask(recorder, 'v', 0, note)).toEqual(['v (idle)']);
    expect(ask(recorder, 'w', 1, { ...note, ...urgent })).toEqual([]);
    const fault = { phase: 'unsent', name: 'destination_unavailable' } as const;
    const reply = { ...aReply('too many'), status: 429 };
    const ending = { kind: 'failure', cause: 'refused', fault, reply } as const;
    recorder.core.settle(recorder.batches[0]!, ending, 10);
    expect(ask(recorder, 'b', 11, urgent)).toEqual([]);
  });
});

const later = 100_000;

/** A scheduler that knows that companions come after 4 ms. */
function taught(changes: Partial<Policy>, atMs: readonly number[] = [0, 4]): Recorder {
  const recorder = new Recorder({ lingerMaxMs: 15, ...changes });
  for (let i = 0; i < 60; i += 1) {
    const startMs = i * 1000;
    for (const gapMs of atMs) ask(recorder, `x${i}${gapMs}`, startMs + gapMs, {}, aKey('tom'));
    recorder.core.wake(startMs + 30);
    recorder.grant(startMs + 30);
    for (const batch of recorder.batches.splice(0)) {
      recorder.core.settle(batch, { kind: 'relay', reply: aReply('') }, startMs + 500);
    }
  }
  recorder.endings.length = 0;
  recorder.alarmAtMs = Infinity;
  return recorder;
}

describe('a call that is not urgent', () => {
  test.each([6, 7])('waits for the longest hold before any gap is known: u=%i', (urgency) => {
    const recorder = new Recorder({ mode: 'adaptive', lingerMaxMs: 15 });
    expect(ask(recorder, 'a', 0, { urgency })).toEqual([]);
    expect(until(recorder, 50)).toEqual(['15: a (linger)']);
  });

  test('is sent with the next call of its stream, which does not wait for it', () => {
    const recorder = new Recorder({ mode: 'adaptive', lingerMaxMs: 15 });
    ask(recorder, 'a', 0, patient);
    expect(ask(recorder, 'b', 6)).toEqual(['a b (idle)']);
  });

  test('does not make the hold of others dearer', () => {
    const dear = { mode: 'adaptive', exchangeRateMs: 6 } as const;
    const both = taught(dear, [0, 4, 8]);
    ask(both, 'a', later);
    // One call may wait 4 ms for another one, two calls may not.
    expect(ask(both, 'b', later + 1)).toEqual(['a b (idle)']);
    const one = taught(dear, [0, 4, 8]);
    ask(one, 'a', later, patient);
    expect(ask(one, 'b', later + 1)).toEqual([]);
    expect(ask(one, 'c', later + 4)).toEqual(['a b c (idle)']);
  });

  test('leaves no trace in the holds that brought no companion', () => {
    const recorder = taught({ mode: 'adaptive' });
    const tom = aKey('tom');
    for (let i = 0; i < 5; i += 1) {
      const atMs = later + i * 1000;
      ask(recorder, `p${i}`, atMs, patient, tom);
      until(recorder, atMs + 50);
      for (const batch of recorder.batches.splice(0)) {
        recorder.core.settle(batch, { kind: 'relay', reply: aReply('') }, atMs + 60);
      }
    }
    expect(ask(recorder, 'a', later + 9000, {}, tom)).toEqual([]);
  });

  test.each<[string, Partial<Policy>, Partial<Arrival<string>>]>([
    ['the mode is off', { mode: 'off' }, {}],
    ['it starts an operation', {}, { callClass: 'operation' }],
    ['holds take no time', { lingerMaxMs: 0 }, {}],
  ])('is sent at once if %s', (_when, changes, call) => {
    const recorder = new Recorder({ mode: 'adaptive', ...changes });
    expect(ask(recorder, 'a', 0, { ...patient, ...call })).toHaveLength(1);
  });

  test('is sent at once in a shutdown, and before a write that passes through', () => {
    const recorder = new Recorder();
    ask(recorder, 'a', 0, patient);
    recorder.core.barrier('ann', 1);
    expect(recorder.grant(1)).toEqual(['a (barrier)']);
    ask(recorder, 'b', 2, patient);
    recorder.core.drain(3);
    expect(recorder.grant(3)).toEqual(['b (drain)']);
    expect(ask(recorder, 'c', 4, patient)).toEqual(['c (drain)']);
  });
});

test('identical GETs share a part if they have the same Priority', () => {
  const recorder = new Recorder();
  const me = { target: `${app}/me` };
  const seven = { ...me, ...patient, headers: ['Priority', 'u=7'] };
  ask(recorder, 'a', 0, seven);
  ask(recorder, 'b', 1, seven);
  ask(recorder, 'c', 2, me);
  expect(until(recorder, 50)).toEqual(['10: a c (linger)']);
  expect(recorder.batches[0]!.calls[0]!.followers?.map(({ caller }) => caller)).toEqual(['b']);
});

describe('calls that wait for a permit', () => {
  /** Sends the calls of one turn in batches of two. */
  function batches(
    urgencies: ReadonlyArray<number | undefined>,
    atMs: (i: number) => number = () => 0,
  ) {
    const recorder = new Recorder({ maxParts: 2, timeoutMs: 30_000 });
    urgencies.forEach((urgency, i) => {
      const name = `${i}${urgency === undefined ? '' : `u${urgency}`}`;
      recorder.submit(name, atMs(i), aKey('ann'), { urgency });
    });
    const nowMs = atMs(urgencies.length);
    recorder.turn(nowMs + 10);
    recorder.grant(nowMs + 10);
    recorder.turn(nowMs + 20);
    recorder.grant(nowMs + 20);
    return recorder.batches.map(({ calls }) => calls.map(({ caller }) => caller).join(' '));
  }

  test('are sent by urgency, then by arrival, and stay in order of arrival in their batch', () => {
    expect(batches([7, undefined, 0, 5, 3, 1, 0, 7])).toEqual([
      '2u0 6u0',
      '1 5u1',
      '3u5 4u3',
      '0u7 7u7',
    ]);
  });

  test('are sent in order of arrival without urgencies', () => {
    expect(batches([undefined, undefined, undefined, undefined])).toEqual(['0 1', '2 3']);
  });

  test('gain a level of urgency for each 500 ms that they wait', () => {
    const everyMs = (i: number) => i * 2100;
    expect(batches([7, 3, 7, 3], everyMs)).toEqual(['0u7 1u3', '2u7 3u3']);
    expect(batches([7, 3, 3, 3], (i) => i * 900)).toEqual(['1u3 2u3', '0u7 3u3']);
  });
});

describe('under a limit of 9, beside 60 calls of the same device', () => {
  /** Returns how long a call of this urgency waits beside calls of the other one, in ms. */
  function waitMs(urgency: number | undefined, others: number | undefined): number {
    const pool = new LimitedPool({ limit: () => 9, routeMs: 30 });
    let n = 0;
    const crowd = (): void => {
      const wish = { path: `people?n=${(n += 1)}`, urgency: others };
      void pool.ask('ann', () => pool.after(0, crowd), wish);
    };
    for (let i = 0; i < 60; i += 1) pool.after(pool.random() * 30, crowd);
    pool.until(5000);
    let waitedMs = Infinity;
    pool.ask('ann', (_, ms) => void (waitedMs = ms), { path: 'me', urgency });
    pool.until(15_000);
    return waitedMs;
  }
  const usualMs = waitMs(undefined, undefined);

  test('an urgent call waits at most three round trips', () => {
    expect(waitMs(0, undefined)).toBeLessThanOrEqual(3 * 32);
    expect(usualMs).toBeGreaterThan(4 * 32);
  });

  test('the least urgent call beside the most urgent ones waits at most 3.5 s longer', () => {
    const leastMs = waitMs(7, 0);
    expect(leastMs).toBeGreaterThan(usualMs);
    expect(leastMs).toBeLessThan(usualMs + 3500 + 100);
  });
});
