/** `batching.share`: which users have batches. */
import { expect, test } from '@jest/globals';
import { BatchBypass } from '../../../src/core/schedule/dispatch/batch-bypass.ts';
import { newUser } from '../../../src/core/schedule/queue/users.ts';
import type { Arrival } from '../../../src/core/schedule/state.ts';
import { createUserNames } from '../../../src/log/user-names.ts';
import { aKey, app, Recorder } from '../../support/recording-sink.ts';

const { nameUser } = createUserNames(Buffer.alloc(16));
const users = Array.from({ length: 4000 }, (_, i) =>
  newUser<string>(nameUser(`Bearer ${i}`, 'pool'), undefined, 0),
);
const arrival: Arrival<string> = {
  ...{ key: aKey('ann'), callClass: 'safe', resource: app, collapsible: true, method: 'GET' },
  ...{ target: app, headers: [], body: Buffer.alloc(0), sizeBytes: 1, caller: '' },
  urgency: undefined,
};

function batched(share: number): Set<string> {
  const bypass = new BatchBypass<string>({ mode: 'fixed', share });
  return new Set(
    users.filter((user) => !bypass.mustBypass(user, arrival, '', 0)).map(({ name }) => name),
  );
}

test('the share of batched users is the given one, and a larger share keeps the users of a smaller one', () => {
  let former = new Set<string>();
  for (const share of [0, 0.1, 0.5, 0.9, 1]) {
    const now = batched(share);
    expect(Math.abs(now.size / users.length - share)).toBeLessThan(0.03);
    expect([...former].filter((name) => !now.has(name))).toEqual([]);
    former = now;
  }
  expect(former.size).toBe(users.length);
});

test('calls of a user outside the share are sent at once, one by one', () => {
  const recorder = new Recorder({ share: 0 });
  recorder.submit('a', 0);
  recorder.submit('b', 0);
  expect(recorder.grant(0)).toEqual(['a (idle)', 'b (idle)']);
});

test('a write that is held while the share shrinks is sent before a later write to its resource', () => {
  const recorder = new Recorder();
  const write = { callClass: 'unsafe', target: `${app}/note` } as const;
  recorder.submit('first', 0, aKey('ann'), write);
  recorder.turn(0);
  recorder.change({ share: 0 }, 1);
  recorder.submit('second', 1, aKey('ann'), write);
  const sent: string[] = [];
  for (const atMs of [1, 10, 11]) {
    recorder.core.wake(atMs);
    sent.push(...recorder.grant(atMs));
  }
  expect(sent.map((batch) => batch.split(' ')[0])).toEqual(['first']);
});
