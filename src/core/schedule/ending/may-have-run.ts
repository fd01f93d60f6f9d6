/**
 * Calls that may have run although no answer to them came: a request that carried them has left.
 * Such a call is asked again, and when that request does not even leave, or time is up before, its
 * caller still must not hear that it did not run.
 */
import type { Fault, Failure } from '../../messages/fault.ts';
import type { Batch, Call } from '../state.ts';
import type { Ending } from '../../answer/ending.ts';
import { waitersOf } from '../queue/calls.ts';

const tooLate: Fault = { phase: 'unknown', name: 'http_response_timeout' };

export class Doubts<T> {
  readonly #calls = new WeakSet<Call<T>>();

  /** Settles a request that is over, and notes of whom it leaves doubts. */
  settle(batch: Batch<T>, ending: Ending, settle: () => void): void {
    if (ending.kind === 'trouble' && ending.fault.phase === 'unsent') {
      settle();
      return;
    }
    for (const { original } of batch.calls) {
      if (original !== undefined) for (const call of waitersOf(original)) this.#calls.add(call);
    }
    settle();
    for (const call of batch.calls) {
      this.#noteReturned(call);
      if (call.followers !== undefined) for (const one of call.followers) this.#noteReturned(one);
    }
  }

  /** What its caller may be told of a failure. */
  judge(call: Call<T>, failure: Failure): Fault | 'never-sent' {
    if (failure === 'late') return tooLate;
    if (!this.#calls.has(call) && !isAskedBeside(call)) return failure;
    return failure === 'never-sent' ? tooLate : { ...failure, phase: 'unknown' };
  }

  #noteReturned(call: Call<T>): void {
    if (call.stage === 'held') this.#calls.add(call);
  }
}

/** Whether another request for it has left, which was not proved to have come to nothing. */
function isAskedBeside<T>(call: Call<T>): boolean {
  const { repeat } = call.leader ?? call;
  return repeat !== undefined && repeat.attempts > 0;
}
