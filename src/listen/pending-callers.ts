/**
 * Callers that wait for their answer to begin, the longest waiting first. The engine must keep a limit and a
 * deadline itself. If it fails to, this check reports a bug and answers the caller.
 */
import type { Fault } from '../core/messages/fault.ts';
import { answerForFault } from '../core/answer/own-answers.ts';
import { InvariantViolation } from '../core/invariants.ts';
import { LinkedList } from '../core/structures/linked-list.ts';
import type { Call } from '../core/schedule/state.ts';
import type { Caller } from '../engine/caller.ts';
import type { ListenObserver } from './observer.ts';
import type { ResponseCaller } from './response-caller.ts';

const overLimit: Fault = { phase: 'unsent', name: 'connection_limit_reached' };
const internalFault: Fault = { phase: 'unknown', name: 'proxy_internal_error' };

export class PendingCallers {
  readonly #pending = new LinkedList<ResponseCaller>();
  readonly #limits: { readonly maxWaiting: number };
  readonly #overdueMs: number;
  readonly #observer: Pick<ListenObserver, 'internalError'>;
  /**
   * Callers that were overdue at the last check. One overdue check is not enough, because the process may
   * have stalled.
   */
  #overdueBefore = new Set<ResponseCaller>();

  constructor(
    limits: { readonly maxWaiting: number },
    overdueMs: number,
    observer: Pick<ListenObserver, 'internalError'>,
  ) {
    this.#limits = limits;
    this.#overdueMs = overdueMs;
    this.#observer = observer;
  }

  /**
   * Adds a caller after its call was submitted. Above the limit the call is canceled, and the caller is
   * answered.
   */
  add(
    caller: ResponseCaller,
    call: Call<Caller>,
    nowMs: number,
    engine: { cancel(call: Call<Caller>): void },
  ): void {
    if (!caller.isWaiting) return;
    caller.waitingSinceMs = nowMs;
    this.#pending.add(caller);
    if (this.#pending.size <= this.#limits.maxWaiting) return;
    this.#observer.internalError(new InvariantViolation('bounded', 'more callers than may wait'));
    const fault = call.stage === 'held' ? overLimit : internalFault;
    engine.cancel(call);
    caller.answer(answerForFault(fault, caller.onlyXml));
  }

  delete(caller: ResponseCaller): void {
    this.#pending.remove(caller);
  }

  /** Answers each caller that was overdue at the last check too. */
  check(nowMs: number): void {
    const overdue = new Set<ResponseCaller>();
    for (const caller of this.#pending) {
      if (nowMs - caller.waitingSinceMs < this.#overdueMs) break;
      if (this.#overdueBefore.has(caller)) this.#giveUp(caller);
      else overdue.add(caller);
    }
    this.#overdueBefore = overdue;
  }

  #giveUp(caller: ResponseCaller): void {
    this.#observer.internalError(new InvariantViolation('one_answer', 'no answer in time'));
    caller.answer(answerForFault(internalFault, caller.onlyXml));
  }
}
