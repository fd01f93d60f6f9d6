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

  /**
   * Records which calls of an ended request may have run. In between it calls `settle`, which ends the calls or
   * puts them back.
   */
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

  /** Returns the failure to tell the caller: never that a call did not run if it may have run. */
  failureFor(call: Call<T>, failure: Failure): Fault | 'never-sent' {
    if (failure === 'late') return tooLate;
    if (!this.#calls.has(call) && !isHedged(call)) return failure;
    return failure === 'never-sent' ? tooLate : { ...failure, phase: 'unknown' };
  }

  #noteReturned(call: Call<T>): void {
    if (call.stage === 'held') this.#calls.add(call);
  }
}

/** Whether a hedged request for the call was sent, and may have run. */
function isHedged<T>(call: Call<T>): boolean {
  const { hedge } = call.leader ?? call;
  return hedge !== undefined && hedge.attempts > 0;
}
