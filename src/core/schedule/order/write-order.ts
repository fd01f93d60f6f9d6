/**
 * The order of one user's writes. Two unsafe calls to one resource never travel at the same time,
 * and leave in the order in which they came: the second when the first is answered. A GET does not
 * leave before an earlier write to its resource has left. The pool may run the parts of a batch in
 * any order, and requests on two connections too, so nothing less keeps it.
 */
import type { Call, Order } from '../state.ts';

const none: readonly never[] = [];

export class WriteOrder<T> implements Order<T> {
  /** Unsafe calls that are not answered, by resource, in order of arrival. */
  readonly #writes = new Map<string, Array<Call<T>>>();

  /**
   * Takes a call in. The writes that it has to wait for and that are held themselves: whoever holds
   * them lets them go at once.
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

  /** A GET that had left is back, or another request for it: writes that came before it go first. */
  rejoin(call: Call<T>, but?: Call<T>): void {
    const writes = this.#writes.get(call.resource) ?? [];
    const last = writes.findLast(
      (write) => write.stage === 'held' && write.sequence < call.sequence && write !== but,
    );
    if (last !== undefined) putBehind(call, last);
  }

  /** A GET that will not leave waits for no write. */
  forget(call: Call<T>): void {
    call.behind?.overtakers?.delete(call);
  }

  /** Whether order lets the call leave now. */
  lets(call: Call<T>): boolean {
    if (call.callClass === 'safe') return call.behind === undefined;
    return this.#writes.get(call.resource)?.[0] === call;
  }

  /** Whether a write to its resource that is not answered came after the call. */
  hasWriteSince(call: Call<T>): boolean {
    const last = this.#writes.get(call.resource)?.at(-1);
    return last !== undefined && last.sequence > call.sequence;
  }

  /** A write has left, or never will: the GETs behind it may leave. Whether there were any. */
  left(write: Call<T>, nowMs: number): boolean {
    const { overtakers } = write;
    if (overtakers === undefined) return false;
    write.overtakers = undefined;
    for (const call of overtakers) {
      call.behind = undefined;
      call.freeAtMs = nowMs;
      // Another write before it may have come back meanwhile.
      this.rejoin(call, write);
    }
    return true;
  }

  /**
   * A write came back: GETs that came later and have not left wait for it again.
   */
  returned(write: Call<T>, held: Iterable<Call<T>>): void {
    for (const call of held) {
      if (call.callClass !== 'safe' || call.behind !== undefined) continue;
      if (call.resource !== write.resource || call.sequence < write.sequence) continue;
      putBehind(call, write);
    }
  }

  /** A write is over: the next one to its resource may leave. Whether there is one. */
  over(write: Call<T>, nowMs: number): boolean {
    const writes = this.#writes.get(write.resource);
    const at = writes?.indexOf(write) ?? -1;
    if (writes === undefined || at === -1) return false;
    writes.splice(at, 1);
    const next = writes[0];
    if (next === undefined) this.#writes.delete(write.resource);
    else if (at === 0) next.freeAtMs = nowMs;
    return next !== undefined && at === 0;
  }
}

function putBehind<T>(call: Call<T>, write: Call<T>): void {
  call.behind = write;
  (write.overtakers ??= new Set()).add(call);
}
