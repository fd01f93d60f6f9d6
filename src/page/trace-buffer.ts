/** The batchable calls of the last minutes, for "what if": as hashes, and only while the page is open. */
import { hash } from 'node:crypto';
import { sharedHeadersOf } from '../core/schedule/order/deduplication.ts';
import { waitersOf } from '../core/schedule/queue/calls.ts';
import type { Batch } from '../core/schedule/state.ts';
import type { TraceCall } from '../core/shadow/trace.ts';
import type { Caller } from '../engine/caller.ts';

const keptMs = 180_000;
const maxCalls = 20_000;
/** A fifth of the calls is removed at once, because each removal moves the others. */
const removedShare = 0.2;

export class TraceBuffer {
  #calls: TraceCall[] = [];

  add(calls: readonly TraceCall[], nowMs: number): void {
    this.#calls.push(...calls);
    if (this.#calls.length > maxCalls) this.#calls = this.#calls.slice(maxCalls * removedShare);
    const [oldest] = this.#calls;
    if (oldest !== undefined && oldest.atMs < nowMs - keptMs * (1 + removedShare))
      this.#expire(nowMs);
  }

  get size(): number {
    return this.#calls.length;
  }

  /** The calls of the last minutes, in order of arrival. */
  calls(nowMs: number): readonly TraceCall[] {
    this.#expire(nowMs);
    return [...this.#calls].sort((a, b) => a.atMs - b.atMs);
  }

  #expire(nowMs: number): void {
    this.#calls = this.#calls.filter(({ atMs }) => atMs >= nowMs - keptMs);
  }
}

/** Returns the calls of an ended request that are answered. Calls that go back to their queue follow later. */
export function tracesOf(
  batch: Batch<Caller>,
  statuses: readonly number[],
  nowMs: number,
): TraceCall[] {
  return batch.calls.flatMap((slot, index) =>
    waitersOf(slot).flatMap((call): TraceCall[] => {
      // A hedged request is not a call of a client.
      if (call.stage !== 'done' || call.original !== undefined) return [];
      const { key, callClass, method, resource, target, headers, collapsible, sizeBytes } = call;
      const status = Math.max(0, statuses[index] ?? 0);
      return [
        {
          ...{ callClass, method, sizeBytes, status },
          atMs: call.arrivedAtMs,
          user: short(key.user),
          key: short(key.applicationPath),
          route: call.route.name.slice(call.route.name.indexOf('/')),
          resource: short(resource),
          same: collapsible ? short(`${target}\n${sharedHeadersOf(headers)}`) : '',
          tookMs: nowMs - batch.sentAtMs,
        },
      ];
    }),
  );
}

const hashDigits = 12;

function short(text: string): string {
  return hash('sha1', text, 'hex').slice(0, hashDigits);
}
