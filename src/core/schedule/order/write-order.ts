/**
 * The order of one user's writes. Two unsafe calls to one resource are never outstanding at the same time.
 * They are sent in order of arrival: the second one when the first one is answered. A GET is not sent before
 * an earlier write to its resource. The pool may run the parts of a batch, and requests on two connections,
 * in any order.
 */
import type { Call, Order } from '../state.ts';

const none: readonly never[] = [];

export class WriteOrder<T> implements Order<T> {
  /** Unsafe calls without an answer, by resource, in order of arrival. */
  readonly #writes = new Map<string, Array<Call<T>>>();

  /**
   * Registers a call. Returns the held writes that must be sent before it. The caller of this method flushes
   * them.
   */
  arrive(call: Call<T>): ReadonlyArray<Call<T>> {
    if (call.callClass === 'safe' && this.#writes.size === 0) return none;
    const writes = this.#writes.get(call.resource);
    if (call.callClass !== 'safe') {
      if (writes === undefined) this.#writes.set(call.resource, [call]);
      else writes.push(call);
      return none;
    }
    if (writes === undefined) return none;
    const held = writes.filter((write) => write.stage === 'held');
    const last = held.at(-1);
    if (last !== undefined) putBehind(call, last);
    return held;
  }

  /** Makes a GET that is queued again wait for held writes that arrived before it, other than `but`. */
  rejoin(call: Call<T>, but?: Call<T>): void {
    const writes = this.#writes.get(call.resource) ?? [];
    const last = writes.findLast(
      (write) => write.stage === 'held' && write.sequence < call.sequence && write !== but,
    );
    if (last !== undefined) putBehind(call, last);
  }

  /** Removes a GET that will not be sent. */
  forget(call: Call<T>): void {
    call.blockedBy?.blockedGets?.delete(call);
  }

  /** Whether the order of writes allows the call to be sent now. */
  allows(call: Call<T>): boolean {
    if (call.callClass === 'safe') return call.blockedBy === undefined;
    return this.#writes.get(call.resource)?.[0] === call;
  }

  /** Whether an unanswered write to the resource of the call arrived after the call. */
  hasWriteSince(call: Call<T>): boolean {
    const last = this.#writes.get(call.resource)?.at(-1);
    return last !== undefined && last.sequence > call.sequence;
  }

  /** Returns the unanswered writes to a resource, in order of arrival. */
  writesTo(resource: string): ReadonlyArray<Call<T>> {
    return this.#writes.get(resource) ?? none;
  }

  /**
   * Releases the GETs that wait for a write which was sent, or never will be. Returns whether there were any.
   */
  sent(write: Call<T>, nowMs: number): boolean {
    const { blockedGets } = write;
    if (blockedGets === undefined) return false;
    write.blockedGets = undefined;
    for (const call of blockedGets) {
      call.blockedBy = undefined;
      call.unblockedAtMs = nowMs;
      // Another write before it may be held again.
      this.rejoin(call, write);
    }
    return true;
  }

  /** Makes held GETs that arrived after a write wait for it again, because the write is held again. */
  requeued(write: Call<T>, held: Iterable<Call<T>>): void {
    for (const call of held) {
      if (call.callClass !== 'safe' || call.blockedBy !== undefined) continue;
      if (call.resource !== write.resource || call.sequence < write.sequence) continue;
      putBehind(call, write);
    }
  }

  /** Removes a write that has ended. Returns whether this allows the next write to its resource. */
  ended(write: Call<T>, nowMs: number): boolean {
    const writes = this.#writes.get(write.resource);
    const at = writes?.indexOf(write) ?? -1;
    if (writes === undefined || at === -1) return false;
    writes.splice(at, 1);
    const next = writes[0];
    if (next === undefined) this.#writes.delete(write.resource);
    else if (at === 0) next.unblockedAtMs = nowMs;
    return next !== undefined && at === 0;
  }
}

function putBehind<T>(call: Call<T>, write: Call<T>): void {
  call.blockedBy = write;
  (write.blockedGets ??= new Set()).add(call);
}
