import type { Handling } from '../core/schedule/answers/handling.ts';
import type { RefusalReason } from '../core/admit/admit.ts';
import type { UnchangedReason } from '../core/links/link-rewriting.ts';
import type { HoldOutcome } from '../core/events/event-holds.ts';
import type { PrimedOutcome } from '../core/priming/primed-answers.ts';
import type { PassThroughReason } from '../core/ucwa/classify.ts';
import type { LinkKind } from '../core/ucwa/links.ts';
import type { TracedCall } from '../trace/traced-call.ts';

/** How a call was answered. These are the label values of `ucwa_proxy_calls_total`. */
export type Via = 'batch' | 'single' | 'passthrough' | 'refused';

/** State of a call when its caller disconnected. These are label values of a metric. */
export type AbortStage = 'held' | 'sent' | 'answering' | 'passthrough';

/** A finished call. */
export interface FinishedCall {
  readonly via: Via;
  /** Status of the answer; 0 if the caller disconnected before the answer began. */
  readonly status: number;
  readonly durationMs: number;
  readonly method: string;
  readonly target: string;
  /** The name of the user, which the log hashes again; empty without a credential. */
  readonly user: string;
  /** Whether the call is a long poll of `events`. */
  readonly poll: boolean;
  readonly callerLeft: boolean;
  /** `undefined` if the call is not traced. */
  readonly trace?: TracedCall | undefined;
}

/** How a finished call was handled. */
export interface CallDetails {
  /** The id of the call: that of its client, else one of the proxy. */
  readonly id: string;
  /** Why the call passed through. */
  readonly passed?: PassThroughReason;
  /** `undefined` for a call that was not sent by the engine. */
  readonly handling?: Handling;
  /** The server of the pool that got the call: its host name, with a port if it has one. */
  readonly server?: string;
  /** Why the proxy refused the call, or answered it itself. See `Reply.cause`. */
  readonly reason?: string;
}

/** The access log. `access` is called only for calls that the log wants. */
export interface AccessLog {
  wants(call: FinishedCall): boolean;
  access(call: FinishedCall, details: CallDetails): void;
}

/** Learns of each finished call. Keeps no target, and does not throw. */
export interface CallWatch {
  finished(call: FinishedCall): void;
}

/** Receives the events of the server edge, for metrics and the access log. */
export interface ListenObserver {
  finished(call: FinishedCall): void;
  refused(reason: RefusalReason): void;
  passedThrough(reason: PassThroughReason): void;
  callerLeft(stage: AbortStage): void;
  passThroughAnswered(status: number): void;
  passThroughEnded(durationMs: number): void;
  /** A GET that the proxy sent before the client did has ended. */
  primed(outcome: PrimedOutcome): void;
  /** A link got the origin of the client. */
  linkRewritten(kind: LinkKind): void;
  /** A link leads to a name that is not configured, and stays as it is. */
  linkLeft(kind: LinkKind): void;
  /** The links of an answer stay as they are. */
  linksUnchanged(reason: UnchangedReason): void;
  /** Called when the answer to a poll has waited for the answer to a POST. */
  eventsHeld(outcome: HoldOutcome): void;
  internalError(error: unknown): void;
}
