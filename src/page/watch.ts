/**
 * Attaches the collector to the proxy while the page is open, and detaches it afterwards. An error of the page ends the
 * page, and affects no call.
 */
import type { RefusalReason } from '../core/admit/admit.ts';
import type { RequestWatch } from '../engine/request-watch.ts';
import type { CallWatch } from '../listen/observer.ts';
import { Collector } from './collector.ts';
import { answerNote, endNote, sentNote } from './request-notes.ts';
import { TraceBuffer, tracesOf } from './trace-buffer.ts';

/** A place that an observer takes for a while. */
export interface Spot<T> {
  readonly current: T | undefined;
}

export interface WatchParts {
  readonly now: () => number;
  /** Returns the hash by which the log shows a user. */
  readonly hashOf: (name: string) => string;
  /** Called once when an error has ended the page. */
  readonly broke: (error: unknown) => void;
}

interface Attached {
  readonly collector: Collector;
  readonly traces: TraceBuffer;
}

export class PageWatch {
  readonly calls: { current: CallWatch | undefined } = { current: undefined };
  readonly #parts: WatchParts;
  readonly #requests: Array<{ current: RequestWatch | undefined }> = [];
  #attached: Attached | undefined;
  #isBroken = false;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** Returns the place for the observer of the requests to a pool. */
  requestsTo(pool: number): Spot<RequestWatch> {
    return (this.#requests[pool] ??= { current: undefined });
  }

  get collector(): Collector | undefined {
    return this.#attached?.collector;
  }

  get traces(): TraceBuffer | undefined {
    return this.#attached?.traces;
  }

  /** Begins with nothing. Returns `false` if an error has ended the page. */
  attach(): boolean {
    if (this.#isBroken) return false;
    const { now, hashOf } = this.#parts;
    const collector = new Collector(now(), hashOf);
    const traces = new TraceBuffer();
    this.#attached = { collector, traces };
    this.calls.current = {
      finished: (call) => this.guarded(() => collector.finished(call, now())),
    };
    this.#requests.forEach((spot, pool) => {
      spot.current = {
        sent: (batch) => this.guarded(() => collector.sent(sentNote(pool, batch, hashOf))),
        part: (batch, index, reply, nowMs) =>
          this.guarded(() => collector.answered(answerNote(pool, batch, index, reply, nowMs))),
        ended: (batch, ending, nowMs) =>
          this.guarded(() => {
            const statuses = collector.ended(endNote(pool, batch, ending, nowMs, hashOf));
            if (statuses !== undefined) traces.add(tracesOf(batch, statuses, nowMs), nowMs);
          }),
      };
    });
    return true;
  }

  /** Forgets everything. */
  detach(): void {
    this.#attached = undefined;
    this.calls.current = undefined;
    for (const spot of this.#requests) spot.current = undefined;
  }

  refused(reason: RefusalReason): void {
    const { collector } = this;
    if (collector !== undefined) this.guarded(() => collector.refused(reason, this.#parts.now()));
  }

  split(): void {
    const { collector } = this;
    if (collector !== undefined) this.guarded(() => collector.split(this.#parts.now()));
  }

  /** Runs code of the page. An error ends the page, and `undefined` is returned. */
  guarded<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#isBroken = true;
      this.detach();
      this.#parts.broke(error);
      return undefined;
    }
  }
}
