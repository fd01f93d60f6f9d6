import { describe, expect, test } from '@jest/globals';
import type { Batch } from '../../../src/core/schedule/state.ts';
import { aKey, aReply, app, Recorder } from '../../support/recording-sink.ts';
import type { Ending } from '../../../src/core/answer/ending.ts';

const refused: Ending = {
  kind: 'failure',
  cause: 'refused',
  fault: { phase: 'unsent', name: 'destination_unavailable' },
  reply: { ...aReply('too many'), status: 429 },
};

function accept(recorder: Recorder, batch: Batch<string>, nowMs: number): void {
  recorder.core.settle(batch, { kind: 'relay', reply: aReply('ok') }, nowMs);
}

const letters = (count: number): string[] => Array.from({ length: count }, (_, i) => `c${i}`);

describe('the limit of a user', () => {
  /** A user after the pool has refused 10 outstanding calls. */
  function limited(changes = {}): Recorder {
    const recorder = new Recorder({
      maxParts: 20,
      maxBytes: 10_000,
      timeoutMs: 60_000,
      ...changes,
    });
    for (const ticket of letters(10)) recorder.submit(ticket, 0);
    recorder.core.wake(10);
    recorder.grant(10);
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    for (let nowMs = 60; recorder.endings.length < 10; nowMs += 40) {
      recorder.core.wake(nowMs);
      recorder.grant(nowMs);
      for (const batch of recorder.batches) if (!batch.settled) accept(recorder, batch, nowMs + 30);
    }
    recorder.batches.length = 0;
    recorder.endings.length = 0;
    return recorder;
  }

  /** Returns the sizes of the requests that are sent for this number of calls at this time. */
  function leaves(recorder: Recorder, calls: number, nowMs: number, key = aKey('ann')): number[] {
    for (const ticket of letters(calls)) recorder.submit(ticket, nowMs, key);
    recorder.core.wake(nowMs + 10);
    while (recorder.grant(nowMs + 10).length > 0) recorder.turn(nowMs + 10);
    return recorder.batches.splice(0).map(({ calls: sentCalls }) => sentCalls.length);
  }

  test('is kept: calls without room wait', () => {
    expect(leaves(limited(), 30, 1000)).toEqual([3, 3, 3]);
  });

  test('is the same for all applications and cookies of a credential', () => {
    const recorder = limited();
    const elsewhere = aKey('ann', '/ucwa/oauth/v1/applications/2');
    const withCookie = aKey('ann', app, 'a=1');
    const all = [
      ...leaves(recorder, 6, 1000, elsewhere),
      ...leaves(recorder, 6, 1000, withCookie),
      ...leaves(recorder, 6, 1000),
    ];
    expect(all.reduce((sum, parts) => sum + parts, 0)).toBe(9);
  });

  test('belongs to one credential: another credential on the same application begins with its own', () => {
    const recorder = limited();
    expect(leaves(recorder, 20, 1000, aKey('junk'))).toEqual([20]);
  });

  test('is not changed by answers to another credential on the same application', () => {
    const recorder = limited();
    const junk = recorder.submit('j', 900, aKey('junk'));
    recorder.core.wake(910);
    recorder.grant(910);
    recorder.core.settle(recorder.batches.pop()!, refused, 912);
    recorder.core.cancel(junk, 913);
    expect(leaves(recorder, 30, 1000)).toEqual([3, 3, 3]);
  });

  test('is inherited by a refreshed token after a 2xx answer for the same application', () => {
    const recorder = limited();
    recorder.submit('r', 900, aKey('fresh'));
    recorder.core.wake(910);
    recorder.grant(910);
    accept(recorder, recorder.batches.pop()!, 920);
    expect(leaves(recorder, 30, 1000, aKey('fresh'))).toEqual([3, 3, 3]);
    expect(leaves(recorder, 20, 2000, aKey('other', '/ucwa/oauth/v1/applications/2'))).toEqual([
      20,
    ]);
  });

  test('counts pass-through calls, polls included, and reserves room for more of them', () => {
    const recorder = limited();
    recorder.core.passedThrough('ann', 4, false, 900);
    // 9, less 4 outstanding, less 1 reserved.
    expect(leaves(recorder, 30, 1000)).toEqual([3]);
    const polling = limited();
    polling.core.passedThrough('ann', 3, true, 900);
    expect(leaves(polling, 30, 1000)).toEqual([3, 3]);
  });

  test('gives room back when a pass-through call has ended', () => {
    const recorder = limited();
    recorder.core.passedThrough('ann', 9, false, 900);
    expect(leaves(recorder, 3, 1000)).toEqual([]);
    recorder.core.passedThrough('ann', -9, false, 1020);
    expect(recorder.grant(1020)).toHaveLength(1);
  });

  test('never stops a user with only polls outstanding', () => {
    const recorder = limited();
    recorder.core.passedThrough('ann', 20, true, 900);
    expect(leaves(recorder, 5, 1000)).toEqual([1]);
  });

  test('lets an operation go before calls that wait for room', () => {
    const recorder = limited();
    for (const ticket of letters(12)) recorder.submit(ticket, 1000);
    recorder.core.wake(1010);
    while (recorder.grant(1010).length > 0) recorder.turn(1010);
    recorder.submit('op', 1011, aKey('ann'), { callClass: 'operation' });
    expect(recorder.grant(1011)).toEqual([]);
    accept(recorder, recorder.batches[0]!, 1040);
    expect(recorder.grant(1040)).toEqual(['op (idle)']);
  });

  test('is tested by a probe, a batch of exactly the necessary size', () => {
    const recorder = limited();
    expect(leaves(recorder, 30, 10_000)).toEqual([3, 3, 3, 1]);
  });

  test('makes a batch wait for room for all of its parts, but not for long', () => {
    const recorder = limited();
    recorder.core.passedThrough('ann', 7, true, 900);
    recorder.submit('first', 1000);
    recorder.core.wake(1010);
    expect(recorder.grant(1010)).toEqual(['first (linger)']);
    recorder.batches.length = 0;
    expect(leaves(recorder, 3, 1010)).toEqual([]);
    recorder.core.wake(1071);
    expect(recorder.grant(1071)).toEqual(['c0 (linger)']);
  });

  test('does not make a batch wait for ever beside operations that come and go', () => {
    const recorder = limited();
    recorder.core.passedThrough('ann', 7, true, 900);
    recorder.submit('op0', 1000, aKey('ann'), { callClass: 'operation' });
    recorder.grant(1000);
    for (const ticket of letters(3)) recorder.submit(ticket, 1001);
    let left: string[] = [];
    for (let nowMs = 1010; nowMs < 1100 && left.length === 0; nowMs += 10) {
      recorder.core.wake(nowMs);
      left = recorder.grant(nowMs).filter((names) => names.startsWith('c'));
      accept(recorder, recorder.batches[0]!, nowMs + 5);
      recorder.batches.length = 0;
      recorder.submit(`op${nowMs}`, nowMs + 6, aKey('ann'), { callClass: 'operation' });
      left.push(...recorder.grant(nowMs + 6).filter((names) => names.startsWith('c')));
    }
    expect(left).toEqual(['c0 (linger)']);
  });
});
