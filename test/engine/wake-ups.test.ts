import { expect, test } from '@jest/globals';
import { Engine } from '../../src/engine/engine.ts';
import type { Clock } from '../../src/engine/clock.ts';
import type { LearnedState } from '../../src/core/schedule/state.ts';
import type { Upstream } from '../../src/upstream/exchange.ts';
import { aKey, app, policy } from '../support/recording-sink.ts';

/** Time that stands still until a test moves it. */
class TestClock implements Clock {
  nowMs = 0;
  #timer: { readonly atMs: number; readonly run: () => void } | undefined;

  readonly now = (): number => this.nowMs;

  setTimer(atMs: number, run: () => void): () => void {
    const timer = { atMs, run };
    this.#timer = timer;
    return () => {
      if (this.#timer === timer) this.#timer = undefined;
    };
  }

  /** Runs the timers that are due until this time. */
  advanceTo(untilMs: number): void {
    for (let due = this.#timer; due !== undefined && due.atMs <= untilMs; due = this.#timer) {
      this.#timer = undefined;
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.run();
    }
    this.nowMs = untilMs;
  }
}

/** A pool that answers calls to `answered` at once, and no other calls. */
const upstream: Upstream = {
  send(request, handler) {
    if (request.target.includes('answered')) {
      queueMicrotask(() => {
        handler.head(200, 'OK', ['Content-Length', '0']);
        handler.end();
      });
    }
    const exchange = { started: true, isAborted: false, server: '', resume: () => undefined };
    return { ...exchange, pause: () => true, abort: () => undefined };
  },
  connections: () => 0,
  stop: () => Promise.resolve(),
};

function start(keep: (name: string, learned: LearnedState) => void) {
  const clock = new TestClock();
  const errors: unknown[] = [];
  const nothing = (): void => undefined;
  const engine = new Engine(
    {
      policy: { ...policy, mode: 'off', timeoutMs: 20_000 },
      ...{ maxInFlightPerUser: 4, maxConnections: 8, authority: 'pool' },
      ...{ maxResponseBytes: 1000, maxBufferedResponseBytes: 1000 },
    },
    {
      ...{ clock, upstream, nextBoundary: () => 'b', random: () => 0.5 },
      memory: { size: 0, take: () => undefined, keep },
      observer: {
        ...{ callSent: nothing, collapsed: nothing, requestSent: nothing, batchSent: nothing },
        ...{ upstreamAnswered: nothing, upstreamEnded: nothing, protocolError: nothing },
        ...{ requeued: nothing, split: nothing, learnedLimit: nothing, retried: nothing },
        lateBatch: nothing,
        internalError: (error) => errors.push(error),
      },
    },
  );
  /** Submits a GET, and returns the statuses that its caller gets. */
  const submit = (user: string, path: string): number[] => {
    const statuses: number[] = [];
    const target = `${app}/${path}`;
    engine.submit({
      ...{ key: aKey(user), callClass: 'safe', resource: target, collapsible: false },
      ...{
        method: 'GET',
        target,
        headers: ['Authorization', user],
        body: Buffer.alloc(0),
        sizeBytes: 100,
      },
      caller: {
        ...{ onlyXml: false, takesCodings: true, onDrained: undefined },
        answer: ({ status }) => statuses.push(status),
        begin: ({ status }) => statuses.push(status),
        ...{ write: () => true, end: nothing, cut: nothing, cutReader: nothing },
      },
    });
    return statuses;
  };
  return { clock, errors, submit };
}

test('a caller gets its answer in time even if a bug breaks off the wake-up before', async () => {
  const bug = new Error('a bug');
  let hasFailed = false;
  const { clock, errors, submit } = start(() => {
    if (hasFailed) return;
    hasFailed = true;
    throw bug;
  });
  const known = submit('known', 'answered');
  await Promise.resolve();
  expect(known).toEqual([200]);
  // A later wake-up moves the learned state of the idle user to the memory. This fails.
  clock.advanceTo(9000);
  const first = submit('ann', 'first');
  clock.advanceTo(9500);
  const second = submit('ann', 'second');
  clock.advanceTo(29_000);
  expect(errors).toEqual([bug]);
  expect(first).toEqual([504]);
  clock.advanceTo(31_000);
  expect(second).toEqual([504]);
  expect(errors).toEqual([bug]);
});
