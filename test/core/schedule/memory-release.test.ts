import { expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Coalescer } from '../../../src/core/schedule/coalescer.ts';
import type { Batch } from '../../../src/core/schedule/state.ts';
import { aKey, app, aReply, policy, Recorder } from '../../support/recording-sink.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A coalescer, and weak references to the callers that it got. */
function forgetfulCore() {
  const callers: Array<WeakRef<object>> = [];
  const out: Array<Batch<object>> = [];
  const { events, memory } = new Recorder();
  const asked: Array<() => void> = [];
  const core: Coalescer<object> = new Coalescer<object>(
    { ...policy, mode: 'adaptive' },
    {
      events,
      requestPermit: (user, unbatched) =>
        void asked.push(() => core.dispatch(user, unbatched, nowMs)),
      send: (batch) => void out.push(batch),
      answer: () => undefined,
      fail: () => undefined,
      freeSlot: () => undefined,
      abandon: () => undefined,
      wakeAt: () => undefined,
    },
    memory,
    () => 0.5,
  );
  let nowMs = 0;
  return {
    core,
    out,
    /** Advances to this time. */
    at(ms: number): void {
      nowMs = ms;
      core.wake(ms);
      for (let next = asked.shift(); next; next = asked.shift()) next();
    },
    ask(name: string): void {
      const ticket = {};
      callers.push(new WeakRef(ticket));
      const target = `${app}/${name}`;
      core.submit(
        {
          key: aKey('ann'),
          callClass: 'safe',
          resource: target,
          collapsible: true,
          method: 'GET',
          target,
          headers: [],
          body: Buffer.alloc(0),
          sizeBytes: 10,
          caller: ticket,
        },
        nowMs,
      );
    },
    async alive(): Promise<number> {
      // A dereferenced object stays alive until the end of the turn.
      await setImmediate();
      collectGarbage();
      return callers.filter((caller) => caller.deref() !== undefined).length;
    },
  };
}

test('an answered caller is free for collection while other callers wait', async () => {
  const world = forgetfulCore();
  const { core, out } = world;
  const batches = 100;
  for (let turn = 0; turn < batches; turn += 1) {
    const ms = turn * 4;
    world.at(ms);
    for (const name of ['a', 'b', 'c']) world.ask(`${name}${turn}`);
    world.at(ms + 0.5);
    // The answers stream: two parts are released early, the last one after the next batch was sent.
    const [before, batch] = [out.length > 1 ? out.shift() : undefined, out.at(-1)];
    core.part(batch!, 0, aReply('A'), true, ms + 1);
    core.part(batch!, 1, aReply('B'), true, ms + 2.5);
    if (before !== undefined) core.settle(before, { kind: 'relay', reply: aReply('C') }, ms + 3);
  }
  expect(await world.alive()).toBeLessThanOrEqual(9);
});
