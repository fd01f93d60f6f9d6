/**
 * The last look at what leaves for the pool and at what goes back to a caller, independent of
 * whoever formed it.
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
import type { Batch, Call } from '../core/schedule/state.ts';
import type { Caller } from './caller.ts';
import type { EngineObserver } from './observer.ts';
import type { Ending } from '../core/answer/ending.ts';

export class Guard {
  readonly #maxParts: number;
  readonly #observer: Pick<EngineObserver, 'internalError'>;
  /** Of unsafe calls that have left, those of which nobody has said that they did not run. */
  readonly #mayHaveRun = new WeakSet<Caller>();

  constructor(maxParts: number, observer: Pick<EngineObserver, 'internalError'>) {
    this.#maxParts = maxParts;
    this.#observer = observer;
  }

  /** @throws InvariantViolation when the request must not leave; then nothing of it has. */
  leaves({ calls }: Batch<Caller>): void {
    const [oldest] = calls;
    if (oldest === undefined || calls.length > this.#maxParts) {
      throw new InvariantViolation('bounded', 'a batch of more parts than it may have');
    }
    for (const call of calls) {
      // The same objects as of the oldest one would be found to be what they were.
      const isAlike = call.key === oldest.key && call.headers === oldest.headers;
      if (!isAlike || call === oldest) assertOneKey(oldest, call);
      if (calls.length > 1) assertInside(call);
      if (call.followers !== undefined) {
        for (const follower of call.followers) assertSameQuestion(call, follower);
      }
      if (call.method !== 'GET') this.#assertFirst(call);
    }
    for (const { method, ticket } of calls) if (method !== 'GET') this.#mayHaveRun.add(ticket);
  }

  /** A caller stands for one unsafe call, however often that was put back or copied. */
  #assertFirst({ ticket, followers }: Call<Caller>): void {
    if (this.#mayHaveRun.has(ticket) || followers !== undefined) {
      throw new InvariantViolation('unsafe_once', 'an unsafe call that may have run');
    }
  }

  ended({ calls }: Batch<Caller>, ending: Ending): void {
    if (ending.kind !== 'trouble' || ending.fault.phase !== 'unsent') return;
    for (const { ticket } of calls) this.#mayHaveRun.delete(ticket);
  }

  /** What its callers are told of a request that could not be sent. */
  static mistake(error: unknown): Fault {
    const mayHaveRun = error instanceof InvariantViolation && error.code === 'unsafe_once';
    return { phase: mayHaveRun ? 'unknown' : 'unsent', name: 'proxy_internal_error' };
  }

  /** The answer, or 500 in the place of somebody else's. */
  own(call: Call<Caller>, reply: Reply): Reply {
    try {
      if (reply.asked !== undefined && reply.asked !== call) assertSameQuestion(reply.asked, call);
      return reply;
    } catch (error) {
      this.#observer.internalError(error);
      const fault: Fault = { phase: 'unknown', name: 'proxy_internal_error' };
      return answerForFault(fault, call.ticket.onlyXml);
    }
  }
}
