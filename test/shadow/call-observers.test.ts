import { expect, test } from '@jest/globals';
import type { Caller } from '../../src/engine/caller.ts';
import { ObservedEngine } from '../../src/shadow/call-observers.ts';
import { moveToDone } from '../../src/core/schedule/queue/calls.ts';
import type { Arrival, Call } from '../../src/core/schedule/state.ts';
import type { Overflow } from '../../src/core/schedule/queue/users.ts';
import { arrivalOf } from '../support/played-call.ts';
import { silentCaller } from '../support/silent-caller.ts';

function setUp() {
  const said: string[] = [];
  let answer: Overflow | undefined;
  const engine = {
    submit(arrival: Arrival<Caller>) {
      said.push('submit');
      return answer ?? ({ ...arrival, stage: 'held' } as unknown as Call<Caller>);
    },
    cancel: () => void said.push('cancel'),
    barrier: () => void said.push('barrier'),
    passedThrough: () => void said.push('passedThrough'),
    drain: () => void said.push('drain'),
  };
  const observer = {
    arrives() {
      said.push('- arrives');
      return {
        ended: () => void said.push('- ended'),
        over: () => void said.push('- over'),
        left: () => void said.push('- left'),
      };
    },
    barrier: () => void said.push('- barrier'),
    passedThrough: () => void said.push('- passedThrough'),
    drain: () => void said.push('- drain'),
  };
  const clock = { now: () => 1, setTimer: () => () => undefined };
  const observedEngine = new ObservedEngine(engine, [observer], clock);
  return {
    observedEngine,
    said,
    refuse: (why: Overflow) => void (answer = why),
    submit: () =>
      observedEngine.submit({ ...arrivalOf('ann', { path: 'me' }), caller: silentCaller() }),
  };
}

test('each event reaches both the engine and its observers', () => {
  const { observedEngine, said, submit } = setUp();
  observedEngine.cancel(submit() as Call<Caller>);
  observedEngine.barrier('ann');
  observedEngine.passedThrough('ann', 1, false);
  observedEngine.drain();
  expect(said.join(' ')).toBe(
    '- arrives submit cancel - left barrier - barrier passedThrough - passedThrough drain - drain',
  );
});

test('observers hear that a refused call has left', () => {
  const { said, refuse, submit } = setUp();
  refuse('queue_calls');
  expect(submit()).toBe('queue_calls');
  expect(said).toEqual(['- arrives', 'submit', '- left']);
});

test('checkOver reports an answered call to its observers once', () => {
  const { observedEngine, said, submit } = setUp();
  const call = submit() as Call<Caller>;
  observedEngine.checkOver();
  expect(said).not.toContain('- over');
  moveToDone(call);
  observedEngine.checkOver();
  observedEngine.checkOver();
  expect(said.filter((what) => what === '- over')).toHaveLength(1);
});
