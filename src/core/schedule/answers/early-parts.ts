import type { Batch } from '../state.ts';
import type { Feedback } from './feedback.ts';
import type { OpenCalls } from '../queue/open-calls.ts';
import { isReply } from '../../messages/reply.ts';

/** Parts of one batch that came at about the same time. */
interface PartGroup<T> {
  readonly batch: Batch<T>;
  readonly indexes: number[];
  readonly atMs: number;
}

/** The wait before a part is released, in ms. A server that does not stream has sent the rest by then. */
const graceMs = 5;
/** A part joins the release of an earlier part if it comes within this time, in ms. */
const togetherMs = 1;
/** After a wrong count of parts, no part is released early for this time, in ms. */
const distrustMs = 3_600_000;

/** Released entries are removed from the array in portions of this size. */
const removedAtOnce = 256;

/** Releases whole parts to their callers before the rest of their batch has come. */
export class EarlyParts<T> {
  readonly #parts: Array<PartGroup<T> | undefined> = [];
  #next = 0;
  #distrustedUntilMs = -Infinity;
  readonly #openCalls: OpenCalls<T>;
  readonly #feedback: Feedback<T>;

  constructor(openCalls: OpenCalls<T>, feedback: Feedback<T>) {
    this.#openCalls = openCalls;
    this.#feedback = feedback;
  }

  get nextAtMs(): number {
    return this.#parts[this.#next]?.atMs ?? Infinity;
  }

  /** Returns when the part is due, in ms; `undefined` if no new timer is necessary. */
  add(batch: Batch<T>, index: number, nowMs: number): number | undefined {
    if (nowMs < this.#distrustedUntilMs) return undefined;
    const last = this.#parts.at(-1);
    if (last?.batch === batch && nowMs + graceMs - last.atMs < togetherMs) {
      last.indexes.push(index);
      return undefined;
    }
    const atMs = nowMs + graceMs;
    this.#parts.push({ batch, indexes: [index], atMs });
    return atMs;
  }

  distrust(nowMs: number): void {
    this.#distrustedUntilMs = nowMs + distrustMs;
    this.#parts.length = 0;
    this.#next = 0;
  }

  /** Answers the calls of all parts that are due. */
  release(nowMs: number): void {
    for (let due = this.#takeDue(nowMs); due; due = this.#takeDue(nowMs)) {
      const { batch, indexes } = due;
      if (batch.settled) continue;
      for (const index of indexes) {
        const call = batch.calls[index];
        const reply = batch.replies[index];
        if (call === undefined || reply === undefined) continue;
        batch.releasedEarly = true;
        if (isReply(reply)) this.#feedback.learnAnswer(batch, call, reply.status, nowMs);
        this.#openCalls.end(call, reply, nowMs);
      }
    }
  }

  #takeDue(nowMs: number): PartGroup<T> | undefined {
    const part = this.#parts[this.#next];
    if (part === undefined || part.atMs > nowMs) return undefined;
    // Clear the entry now. The batch can then be collected before the array is shortened.
    this.#parts[this.#next] = undefined;
    this.#next += 1;
    if (this.#next >= removedAtOnce || this.#next === this.#parts.length) {
      this.#parts.splice(0, this.#next);
      this.#next = 0;
    }
    return part;
  }
}
