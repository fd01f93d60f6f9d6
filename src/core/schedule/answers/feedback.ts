/**
 * Learns from the answers of the pool: the limit of a user, the latency of routes, and the calls that must be
 * sent unbatched.
 */
import type { Batch, Call } from '../state.ts';
import { LimitInheritance } from './limit-inheritance.ts';
import type { SchedulerEvents } from '../observer.ts';
import type { SlowRoutes } from '../slow/slow-routes.ts';
import type { BatchBypass } from '../dispatch/batch-bypass.ts';
import { isReply } from '../../messages/reply.ts';
import type { Ending } from '../../answer/ending.ts';

export class Feedback<T> {
  readonly #events: SchedulerEvents;
  readonly #routes: SlowRoutes;
  readonly #bypass: BatchBypass<T>;
  readonly #random: () => number;
  readonly #limits: LimitInheritance;

  /** @param random number in [0, 1) for the jitter of backoffs */
  constructor(
    events: SchedulerEvents,
    routes: SlowRoutes,
    bypass: BatchBypass<T>,
    maxUsers: number,
    random: () => number,
  ) {
    this.#events = events;
    this.#routes = routes;
    this.#bypass = bypass;
    this.#random = random;
    this.#limits = new LimitInheritance(maxUsers);
  }

  /** Learns from the end of a request. */
  learnEnding(batch: Batch<T>, ending: Ending, nowMs: number): void {
    const { user, calls } = batch;
    const { limit, backoff } = user.learned;
    const before = limit.value;
    if (ending.kind !== 'failure') {
      const status = ending.kind === 'relay' ? ending.reply.status : batch.status;
      if (status === 401 || status === 403) limit.lost(batch);
      else {
        limit.accepted(batch);
        if (backoff.isRaised) backoff.reset();
      }
      if (calls.length > 1 && ending.kind === 'complete') this.#bypass.batchAnswered();
      this.#learnAnswers(batch, ending, nowMs);
    } else if (ending.cause === 'refused') {
      const isNews = limit.refused(batch, nowMs);
      backoff.begin(nowMs, this.#random(), ending.retryAfterMs, isNews);
    } else {
      limit.lost(batch);
      if (ending.cause === 'request_too_large') limit.halveSize(calls.length);
      if (ending.cause === 'no_batch') this.#bypass.noBatchResource(user, nowMs);
      const large = calls.find((_, index) => batch.replies[index] === undefined);
      if (ending.cause === 'answer_too_large' && large !== undefined) {
        this.#bypass.answerTooLarge(large, nowMs);
      }
      backoff.begin(nowMs, 0, ending.retryAfterMs, false);
    }
    if (limit.value !== before) this.#events.learnedLimit(limit.value);
  }

  #learnAnswers(batch: Batch<T>, ending: Ending, nowMs: number): void {
    batch.calls.forEach((call, index) => {
      const reply = ending.kind === 'relay' ? ending.reply : batch.replies[index];
      if (reply !== undefined && isReply(reply)) this.learnAnswer(batch, call, reply.status, nowMs);
    });
  }

  /** Learns from the answer to a call, or from the head of an answer that streams. */
  learnAnswer(batch: Batch<T>, call: Call<T>, status: number, nowMs: number): void {
    if (status < 200 || status > 299) return;
    const { user, key } = call.stream;
    user.proved = true;
    // A call that was answered early is counted already. The latency of an operation delays no other call.
    if (call.stage !== 'done' && call.callClass !== 'operation') {
      this.#routes.answered(call.route, nowMs - batch.sentAtMs);
    }
    this.#bypass.userProved(user);
    if (this.#limits.answered(key.applicationPath, user.learned)) {
      this.#events.learnedLimit(user.learned.limit.value);
    }
  }
}
