import { expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Coalescer } from '../../../src/core/schedule/coalescer.ts';
import type { Batch } from '../../../src/core/schedule/state.ts';
import { aKey, app, aReply, policy, Recorder } from '../../support/recording-sink.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The core, and the callers that live because of it or of what it was told. */
function forgetfulCore() {
  const callers: Array<WeakRef<object>> = [];
  const out: Array<Batch<object>> = [];
  const { notes, memory } = new Recorder();
  const asked: Array<() => void> = [];
  const core: Coalescer<object> = new Coalescer<object>(
    { ...policy, mode: 'adaptive' },
    {
      notes,
      permit: (user, solo) => void asked.push(() => core.depart(user, solo, nowMs)),
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
    /** Goes on to that time. */
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
          ticket,
        },
        nowMs,
      );
    },
    async alive(): Promise<number> {
      // A reference that was looked at holds until the end of the turn.
      await setImmediate();
      collectGarbage();
      return callers.filter((caller) => caller.deref() !== undefined).length;
    },
  };
}

test('a caller who was answered is let go, though others always wait', async () => {
  const world = forgetfulCore();
  const { core, out } = world;
  const batches = 100;
  for (let turn = 0; turn < batches; turn += 1) {
    const ms = turn * 4;
    world.at(ms);
    for (const name of ['a', 'b', 'c']) world.ask(`${name}${turn}`);
    world.at(ms + 0.5);
    // Their answers stream: two are given early, the last one when the next batch has left.
    const [before, batch] = [out.length > 1 ? out.shift() : undefined, out.at(-1)];
    core.part(batch!, 0, aReply('A'), true, ms + 1);
    core.part(batch!, 1, aReply('B'), true, ms + 2.5);
    if (before !== undefined) core.settle(before, { kind: 'relay', reply: aReply('C') }, ms + 3);
  }
  expect(await world.alive()).toBeLessThanOrEqual(9);
});
