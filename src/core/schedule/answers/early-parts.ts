import type { Batch } from '../state.ts';
import type { Learning } from './feedback.ts';
import type { Ledger } from '../queue/open-calls.ts';
import { isReply } from '../../messages/reply.ts';

/** Parts of one batch that came at about the same time. */
interface EarlyParts<T> {
  readonly batch: Batch<T>;
  readonly indexes: number[];
  readonly atMs: number;
}

/** A server that answers whole has sent the rest by then; one that streams has not. */
const graceMs = 5;
/** What came within so long of the first waits no longer than it. */
const togetherMs = 1;
/** After a wrong count a pool's answers are believed only when they are whole. */
const distrustMs = 3_600_000;

/** The places of what is through are taken away in such portions. */
const forgottenAtOnce = 256;

/** Parts that came whole and are answered before the rest of their batch, if it takes its time. */
export class EarlyReleases<T> {
  readonly #parts: Array<EarlyParts<T> | undefined> = [];
  #next = 0;
  #distrustedUntilMs = -Infinity;
  readonly #ledger: Ledger<T>;
  readonly #learning: Learning<T>;

  constructor(ledger: Ledger<T>, learning: Learning<T>) {
    this.#ledger = ledger;
    this.#learning = learning;
  }

  get nextAtMs(): number {
    return this.#parts[this.#next]?.atMs ?? Infinity;
  }

  /** When to ask again; `undefined`: nothing is due that was not before. */
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

  /** Answers those whose time has come. */
  release(nowMs: number): void {
    for (let due = this.#takeDue(nowMs); due; due = this.#takeDue(nowMs)) {
      const { batch, indexes } = due;
      if (batch.settled) continue;
      for (const index of indexes) {
        const call = batch.calls[index];
        const reply = batch.replies[index];
        if (call === undefined || reply === undefined) continue;
        batch.releasedEarly = true;
        if (isReply(reply)) this.#learning.notice(batch, call, reply.status, nowMs);
        this.#ledger.end(call, reply, nowMs);
      }
    }
  }

  #takeDue(nowMs: number): EarlyParts<T> | undefined {
    const part = this.#parts[this.#next];
    if (part === undefined || part.atMs > nowMs) return undefined;
    // Its place goes later; the batch, and all that hangs on it, must not wait for that.
    this.#parts[this.#next] = undefined;
    this.#next += 1;
    if (this.#next >= forgottenAtOnce || this.#next === this.#parts.length) {
      this.#parts.splice(0, this.#next);
      this.#next = 0;
    }
    return part;
  }
}
