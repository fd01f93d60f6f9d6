import type { RefusalReason } from '../core/admit/admit.ts';
import type { PassThroughReason } from '../core/ucwa/classify.ts';

/** How a call was answered: label values of `ucwa_proxy_calls_total`, a closed set. */
export type Via = 'batch' | 'single' | 'passthrough' | 'refused';

/** Where a call was when its caller left: a closed set. */
export type AbortStage = 'held' | 'sent' | 'answering' | 'passthrough';

/** A call that is over. */
export interface FinishedCall {
  readonly via: Via;
  /** Of the answer; 0 when the caller left before it began. */
  readonly status: number;
  readonly durationMs: number;
  readonly method: string;
  readonly target: string;
  /** The exact credential, to be hashed and never shown; empty if there is none. */
  readonly credential: string;
  /** An events poll: long by nature. */
  readonly poll: boolean;
  readonly callerLeft: boolean;
}

/** What the rim tells of its work; metrics and the access log listen. */
export interface ListenObserver {
  finished(call: FinishedCall): void;
  refused(reason: RefusalReason): void;
  passedThrough(reason: PassThroughReason): void;
  callerLeft(stage: AbortStage): void;
  passThroughAnswered(status: number): void;
  passThroughEnded(durationMs: number): void;
  internalError(error: unknown): void;
}
