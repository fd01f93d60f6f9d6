/** What the answers of the pool teach: its limit, how long routes take, what goes in no batch. */
import type { Batch, Call } from './call.ts';
import { Inheritance } from './inheritance.ts';
import type { LateBatches } from './late-batches.ts';
import { isReply } from './ledger.ts';
import type { Notes } from './notes.ts';
import type { Singly } from './singly.ts';
import type { Ending } from './sink.ts';

export class Learning<T> {
  readonly #notes: Notes;
  readonly #late: LateBatches<T>;
  readonly #singly: Singly<T>;
  readonly #random: () => number;
  readonly #inheritance: Inheritance;

  /** `random` is in [0, 1): the jitter of pauses. */
  constructor(
    notes: Notes,
    late: LateBatches<T>,
    singly: Singly<T>,
    maxUsers: number,
    random: () => number,
  ) {
    this.#notes = notes;
    this.#late = late;
    this.#singly = singly;
    this.#random = random;
    this.#inheritance = new Inheritance(maxUsers);
  }

  /** What the end of a request tells of the pool. */
  settled(batch: Batch<T>, ending: Ending, nowMs: number): void {
    const { user, calls } = batch;
    const { limit, pause } = user.learnt;
    const before = limit.value;
    if (ending.kind !== 'trouble') {
      limit.accepted(batch);
      pause.reset();
      this.#late.answered(batch, nowMs);
      if (calls.length > 1 && ending.kind === 'complete') this.#singly.hasBatched();
      this.#noticeAll(batch, ending);
    } else if (ending.trouble === 'refused') {
      const isNews = limit.refused(batch, nowMs);
      pause.begin(nowMs, this.#random(), ending.retryAfterMs, isNews);
    } else {
      limit.lost(batch);
      if (ending.trouble === 'request_too_large') limit.halveSize(calls.length);
      if (ending.trouble === 'no_batch') this.#singly.hasNoBatch(user, nowMs);
      const large = calls.find((_, index) => batch.replies[index] === undefined);
      if (ending.trouble === 'answer_too_large' && large !== undefined) {
        this.#singly.isTooLarge(large, nowMs);
      }
      pause.begin(nowMs, 0, ending.retryAfterMs, false);
    }
    if (limit.value !== before) this.#notes.learnedLimit(limit.value);
  }

  #noticeAll(batch: Batch<T>, ending: Ending): void {
    batch.calls.forEach((call, index) => {
      const reply = ending.kind === 'relay' ? ending.reply : batch.replies[index];
      if (reply !== undefined && isReply(reply)) this.notice(call, reply.status);
    });
  }

  /** The call was answered. */
  notice({ stream: { user, key } }: Call<T>, status: number): void {
    if (status < 200 || status > 299) return;
    user.proved = true;
    if (this.#inheritance.answered(key.applicationPath, user.learnt)) {
      this.#notes.learnedLimit(user.learnt.limit.value);
    }
  }
}
