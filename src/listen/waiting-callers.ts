/**
 * Callers whose answer has not begun, the longest waiting first: counted here by themselves, so that
 * neither the cap nor the deadline rests on the engine's own books alone.
 */
import { answerForFault } from '../core/answer/own-answers.ts';
import { InvariantViolation } from '../core/invariants.ts';
import type { ListenObserver } from './observer.ts';
import type { ResponseCaller } from './response-caller.ts';

export class WaitingCallers {
  /** With since when. */
  readonly #waiting = new Map<ResponseCaller, number>();
  readonly #max: number;
  readonly #overdueMs: number;
  readonly #observer: Pick<ListenObserver, 'internalError'>;
  /** Overdue at the last check: one alone may be that of a process that stood still. */
  #suspects = new Set<ResponseCaller>();

  constructor(max: number, overdueMs: number, observer: Pick<ListenObserver, 'internalError'>) {
    this.#max = max;
    this.#overdueMs = overdueMs;
    this.#observer = observer;
  }

  /** Whether there is room for one more, who has been let in. */
  add(caller: ResponseCaller, nowMs: number): boolean {
    if (!caller.isWaiting) return true;
    this.#waiting.set(caller, nowMs);
    if (this.#waiting.size <= this.#max) return true;
    this.#waiting.delete(caller);
    this.#observer.internalError(new InvariantViolation('bounded', 'more callers than may wait'));
    return false;
  }

  delete(caller: ResponseCaller): void {
    this.#waiting.delete(caller);
  }

  /** Ends the wait of whoever should have been answered long ago. */
  check(nowMs: number): void {
    const overdue = new Set<ResponseCaller>();
    for (const [caller, sinceMs] of this.#waiting) {
      if (nowMs - sinceMs < this.#overdueMs) break;
      if (this.#suspects.has(caller)) this.#end(caller);
      else overdue.add(caller);
    }
    this.#suspects = overdue;
  }

  #end(caller: ResponseCaller): void {
    this.#observer.internalError(new InvariantViolation('one_answer', 'no answer in time'));
    const fault = { phase: 'unknown', name: 'proxy_internal_error' } as const;
    caller.answer(answerForFault(fault, caller.onlyXml));
  }
}
