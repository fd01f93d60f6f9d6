/**
 * The last check of requests to the pool and of answers to callers. It does not rely on the code that formed
 * them.
 */
import type { Fault } from '../core/messages/fault.ts';
import { answerForFault } from '../core/answer/own-answers.ts';
import type { Reply } from '../core/messages/reply.ts';
import {
  assertInside,
  assertOneKey,
  assertSameQuestion,
  InvariantViolation,
} from '../core/invariants.ts';
import type { Policy } from '../core/schedule/policy.ts';
import type { Batch, Call } from '../core/schedule/state.ts';
import type { Caller } from './caller.ts';
import type { EngineObserver } from './observer.ts';
import type { Ending } from '../core/answer/ending.ts';

export class Guard {
  readonly #policy: Pick<Policy, 'maxParts'>;
  readonly #observer: Pick<EngineObserver, 'internalError'>;
  /** Callers of unsafe calls that were sent and are not proved not to have run. */
  readonly #mayHaveRun = new WeakSet<Caller>();

  constructor(policy: Pick<Policy, 'maxParts'>, observer: Pick<EngineObserver, 'internalError'>) {
    this.#policy = policy;
    this.#observer = observer;
  }

  /** @throws InvariantViolation if the request must not be sent; nothing of it has been sent then */
  checkRequest({ calls }: Batch<Caller>): void {
    const [oldest] = calls;
    if (oldest === undefined || calls.length > this.#policy.maxParts) {
      throw new InvariantViolation('bounded', 'a batch of more parts than it may have');
    }
    for (const call of calls) {
      // Fields that are the same objects as those of the oldest call need no comparison.
      const isAlike = call.key === oldest.key && call.headers === oldest.headers;
      if (!isAlike || call === oldest) assertOneKey(oldest, call);
      if (calls.length > 1) assertInside(call);
      if (call.followers !== undefined) {
        for (const follower of call.followers) assertSameQuestion(call, follower);
      }
      if (call.method !== 'GET') this.#assertFirst(call);
    }
    for (const { method, caller } of calls) if (method !== 'GET') this.#mayHaveRun.add(caller);
  }

  /** One caller stands for one unsafe call, even if the call was put back or copied. */
  #assertFirst({ caller, followers }: Call<Caller>): void {
    if (this.#mayHaveRun.has(caller) || followers !== undefined) {
      throw new InvariantViolation('unsafe_once', 'an unsafe call that may have run');
    }
  }

  ended({ calls }: Batch<Caller>, ending: Ending): void {
    if (ending.kind !== 'failure' || ending.fault.phase !== 'unsent') return;
    for (const { caller } of calls) this.#mayHaveRun.delete(caller);
  }

  /** Returns the fault for the callers of a request that could not be sent. */
  static faultFor(error: unknown): Fault {
    const mayHaveRun = error instanceof InvariantViolation && error.code === 'unsafe_once';
    return { phase: mayHaveRun ? 'unknown' : 'unsent', name: 'proxy_internal_error' };
  }

  /** Returns the answer, or 500 if the answer belongs to another call. */
  checkReply(call: Call<Caller>, reply: Reply): Reply {
    try {
      if (reply.asked !== undefined && reply.asked !== call) assertSameQuestion(reply.asked, call);
      return reply;
    } catch (error) {
      this.#observer.internalError(error);
      const fault: Fault = { phase: 'unknown', name: 'proxy_internal_error' };
      return answerForFault(fault, call.caller.onlyXml);
    }
  }
}
