/**
 * Notes about requests to the pool, for the page of the admin port. A note is a value: it has neither credential, path,
 * field nor body, and refers to nothing of the core.
 */
import type { FlushReason } from '../core/schedule/state.ts';

/** A request is about to be sent. */
export interface SentNote {
  /** Identifies the request among those of all pools. */
  readonly key: string;
  /** The id that `X-Ucwa-Batch: explain` shows. */
  readonly id: number;
  /** The hash by which the log shows the user. */
  readonly user: string;
  readonly kind: 'batch' | 'single';
  readonly flush: FlushReason;
  readonly atMs: number;
  /** Calls of the user at the pool, with those of this request. */
  readonly outstanding: number;
  readonly parts: readonly PartNote[];
}

export interface PartNote {
  readonly method: string;
  /** The template of the route below its application. */
  readonly route: string;
  /** Whether the calls of the route travel unbatched. */
  readonly isSlow: boolean;
  /** The call that holds the part, and identical calls that share it; none for a hedged request. */
  readonly calls: readonly CallNote[];
}

export interface CallNote {
  readonly arrivedAtMs: number;
  /** The wait for other calls, and the wait after it, in ms. */
  readonly holdMs: number;
  readonly queueMs: number;
  readonly attempts: number;
}

/** A part of the answer is complete. */
export interface AnswerNote {
  readonly key: string;
  readonly index: number;
  /** 0 for a part that was not understood. */
  readonly status: number;
  readonly atMs: number;
}

export interface EndNote {
  readonly key: string;
  readonly user: string;
  readonly atMs: number;
  /** Status of the calls that have no answer of their own; 0 without one. */
  readonly status: number;
  /** What went wrong, in the words of `Proxy-Status`; empty if nothing did. */
  readonly fault: string;
  readonly wasRefused: boolean;
  /** Whether the proxy asked its GETs again beside it, because it took unexpectedly long. */
  readonly wasLate: boolean;
  /** For each part, whether its call waits to be sent again. */
  readonly goesBack: readonly boolean[];
  readonly outstanding: number;
  readonly limit: number;
  /** Whether the limit comes from a refusal. */
  readonly isLimitMet: boolean;
  readonly pausedUntilMs: number;
}
