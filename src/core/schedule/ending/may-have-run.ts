/**
 * Calls that may have run although no answer came, because a request that carried them was sent. A retry of
 * the call may then fail before it is sent, or the deadline may pass. Its caller must not hear even then that
 * it did not run.
 */
import type { Fault, Failure } from '../../messages/fault.ts';
import type { Batch, Call } from '../state.ts';
import type { Ending } from '../../answer/ending.ts';
import { waitersOf } from '../queue/calls.ts';

const tooLate: Fault = { phase: 'unknown', name: 'http_response_timeout' };

export class UncertainExecutions<T> {
  readonly #calls = new WeakSet<Call<T>>();

  /** Settles a request that has ended, and records the calls that may have run. */
  settle(batch: Batch<T>, ending: Ending, settle: () => void): void {
    if (ending.kind === 'failure' && ending.fault.phase === 'unsent') {
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

  /** Returns the failure that the caller may be told. */
  failureFor(call: Call<T>, failure: Failure): Fault | 'never-sent' {
    if (failure === 'late') return tooLate;
    if (!this.#calls.has(call) && !isHedged(call)) return failure;
    return failure === 'never-sent' ? tooLate : { ...failure, phase: 'unknown' };
  }

  #noteReturned(call: Call<T>): void {
    if (call.stage === 'held') this.#calls.add(call);
  }
}

/** Whether a hedged request for the call was sent that is not proved to have failed unsent. */
function isHedged<T>(call: Call<T>): boolean {
  const { hedge } = call.leader ?? call;
  return hedge !== undefined && hedge.attempts > 0;
}
