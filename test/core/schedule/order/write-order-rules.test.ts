/** The rules of the order of writes, one by one, without a scheduler. */
import { describe, expect, test } from '@jest/globals';
import { moveToSent } from '../../../../src/core/schedule/queue/calls.ts';
import { WriteOrder } from '../../../../src/core/schedule/order/write-order.ts';
import type { Batch, Call } from '../../../../src/core/schedule/state.ts';

const sent = (call: Call<string>): void => moveToSent(call, {} as Batch<string>);

/** Returns calls that are held, numbered in order. */
function numbered() {
  let sequence = 0;
  const held = (callClass: 'safe' | 'unsafe', resource = 'note'): Call<string> => {
    sequence += 1;
    const call: Partial<Call<string>> = {
      ...{ callClass, resource, sequence, stage: 'held', unblockedAtMs: 0 },
      ...{ blockedBy: undefined, blockedGets: undefined },
    };
    return call as Call<string>;
  };
  const order = new WriteOrder<string>();
  const arrived = (...call: Parameters<typeof held>): Call<string> => {
    const made = held(...call);
    order.arrive(made);
    return made;
  };
  return { order, held, arrived };
}

describe('a GET', () => {
  test('waits for the last held write to its resource', () => {
    const { order, held, arrived } = numbered();
    const writes = [arrived('unsafe'), arrived('unsafe')];
    const get = held('safe');
    expect(order.arrive(get)).toEqual(writes);
    expect(get.blockedBy).toBe(writes[1]);
    expect(order.allows(get)).toBe(false);
    const other = held('safe', 'phones');
    expect(order.arrive(other)).toEqual([]);
    expect(order.allows(other)).toBe(true);
  });

  test('does not wait for a write that was sent', () => {
    const { order, held, arrived } = numbered();
    sent(arrived('unsafe'));
    const get = held('safe');
    expect(order.arrive(get)).toEqual([]);
    expect(order.allows(get)).toBe(true);
  });

  test('is released when the write is sent, unless an earlier write is held', () => {
    const { order, arrived } = numbered();
    const first = arrived('unsafe');
    const second = arrived('unsafe');
    const get = arrived('safe');
    expect(order.sent(second, 5)).toBe(true);
    expect(get.blockedBy).toBe(first);
    order.ended(second, 5);
    sent(first);
    expect(order.sent(first, 7)).toBe(true);
    expect(order.allows(get)).toBe(true);
    expect(get.unblockedAtMs).toBe(7);
    expect(order.sent(first, 8)).toBe(false);
    expect(get.unblockedAtMs).toBe(7);
  });

  test('that is queued again waits for the last held write before it', () => {
    const { order, arrived, held } = numbered();
    const writes = [arrived('unsafe'), arrived('unsafe'), arrived('unsafe')];
    sent(writes[2]!);
    const get = held('safe');
    arrived('unsafe');
    order.rejoin(get);
    expect(get.blockedBy).toBe(writes[1]);
  });

  test('that is queued again does not wait for later writes, or for writes to other resources', () => {
    const { order, arrived, held } = numbered();
    arrived('unsafe', 'phones');
    const get = held('safe');
    order.rejoin(get);
    expect(order.allows(get)).toBe(true);
    arrived('unsafe');
    order.rejoin(get);
    expect(order.allows(get)).toBe(true);
  });

  test('that is canceled is not kept by the write that it waits for', () => {
    const { order, arrived } = numbered();
    const write = arrived('unsafe');
    const [canceled, other] = [arrived('safe'), arrived('safe')];
    order.forget(canceled);
    expect([...(write.blockedGets ?? [])]).toEqual([other]);
    order.sent(write, 5);
    expect(canceled.unblockedAtMs).toBe(0);
    // The GET waits for no write any more.
    expect(() => order.forget(other)).not.toThrow();
  });
});

describe('a write', () => {
  test('may be sent when all earlier writes to its resource have ended', () => {
    const { order, arrived } = numbered();
    const [first, second, third] = [arrived('unsafe'), arrived('unsafe'), arrived('unsafe')];
    expect([first, second, third].map((write) => order.allows(write))).toEqual([
      true,
      false,
      false,
    ]);
    expect(order.ended(second, 3)).toBe(false);
    expect([first.unblockedAtMs, third.unblockedAtMs]).toEqual([0, 0]);
    expect(order.ended(first, 5)).toBe(true);
    expect(third.unblockedAtMs).toBe(5);
    expect(order.allows(third)).toBe(true);
    expect(order.ended(third, 7)).toBe(false);
    expect(order.allows(third)).toBe(false);
  });

  test('that ends twice does not end another write', () => {
    const { order, arrived, held } = numbered();
    const [first, second] = [arrived('unsafe'), arrived('unsafe')];
    order.ended(first, 5);
    expect(order.ended(first, 9)).toBe(false);
    expect(order.allows(second)).toBe(true);
    expect(second.unblockedAtMs).toBe(5);
    expect(order.ended(held('unsafe', 'phones'), 9)).toBe(false);
  });

  test('that is held again blocks the free GETs of its resource that arrived after it', () => {
    const { order, arrived, held } = numbered();
    const before = held('safe');
    const write = held('unsafe');
    const other = held('safe', 'phones');
    const later = held('unsafe');
    const blocker = arrived('unsafe');
    const waiting = arrived('safe');
    const free = held('safe');
    order.requeued(write, [before, other, later, waiting, free]);
    expect([before, other, later].map(({ blockedBy }) => blockedBy)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(waiting.blockedBy).toBe(blocker);
    expect(free.blockedBy).toBe(write);
    expect([...(write.blockedGets ?? [])]).toEqual([free]);
  });

  test('that arrived after a GET is known until it ends', () => {
    const { order, arrived, held } = numbered();
    const get = held('safe');
    expect(order.hasWriteSince(get)).toBe(false);
    const write = arrived('unsafe');
    expect(order.hasWriteSince(get)).toBe(true);
    expect(order.hasWriteSince(held('safe'))).toBe(false);
    expect(order.hasWriteSince(held('safe', 'phones'))).toBe(false);
    order.ended(write, 5);
    expect(order.hasWriteSince(get)).toBe(false);
  });
});
