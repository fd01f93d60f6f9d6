import type { SchedulerEvents } from '../schedule/observer.ts';
import type { Arrival, Call, Batch } from '../schedule/state.ts';
import type { Outcome, Refusals } from './outcome.ts';
import type { ListNode } from '../structures/linked-list.ts';

/**
 * A call for the shadow. The shadow does not use the body, so callers should pass an empty one to save memory.
 */
export type ShadowArrival = Omit<Arrival<never>, 'caller'>;

/** The shadow of one real call. Only the shadow changes it. */
export interface ShadowCall {
  /** `undefined` once the call is submitted in the shadow. */
  arrival: ShadowArrival | undefined;
  readonly pace: Pace;
  /** The time of the real arrival, in ms. */
  readonly arrivedAtMs: number;
  /**
   * The time of the arrival in the shadow, in ms. It is later if the client would still have waited for an
   * answer.
   */
  atMs: number;
  /** The outcomes of the real requests of the call, in order, without refusals. */
  readonly outcomes: Outcome[];
  /** Whether the call has really ended, so that no further outcome follows. */
  isOver: boolean;
  /** The real latency, in ms; `undefined` until a real answer. */
  realMs: number | undefined;
  /** The latency in the shadow, in ms; `undefined` until an answer in the shadow. */
  shadowMs: number | undefined;
  /** Whether the call failed in the shadow. */
  hasFailed: boolean;
  /** Whether the caller left before an answer. */
  hasLeft: boolean;
  /** The call in the coalescer of the shadow, while it is open there. */
  call: Call<ShadowCall> | undefined;
  /** In-flight requests of the shadow that contain the call. */
  readonly awaitedBy: InFlightRequest[];
}

/** The consumer of the shadow's results. */
export interface ShadowReport {
  /**
   * The shadow sent a request.
   *
   * @param newCalls the number of calls that are sent for the first time, those that share a part included
   * @param parts the number of parts of the request; 1 for a single request
   */
  requestSent(newCalls: number, parts: number): void;
  /** A call was answered in the shadow `addedMs` later than really; sooner if negative. */
  answered(addedMs: number): void;
  /** A cap refused a call in the shadow. */
  refused(): void;
  /** A call failed in the shadow, although it was really answered. */
  failed(): void;
}

/** The events of the coalescer that the shadow does not report. */
export const ignoredNotes: SchedulerEvents = {
  requeued: () => undefined,
  split: () => undefined,
  learnedLimit: () => undefined,
  retried: () => undefined,
  lateBatch: () => undefined,
};

/** Returns the shadow of a call that really arrives at `nowMs`. */
export function newShadowCall(arrival: ShadowArrival, pace: Pace, nowMs: number): ShadowCall {
  return {
    arrival,
    pace,
    arrivedAtMs: nowMs,
    atMs: nowMs,
    outcomes: [],
    isOver: false,
    realMs: undefined,
    shadowMs: undefined,
    hasFailed: false,
    hasLeft: false,
    call: undefined,
    awaitedBy: [],
  };
}

/** Returns the arrival with its caller. Copies field by field, because a spread copy is many times slower. */
export function withCaller(arrival: ShadowArrival, caller: ShadowCall): Arrival<ShadowCall> {
  return {
    key: arrival.key,
    callClass: arrival.callClass,
    resource: arrival.resource,
    collapsible: arrival.collapsible,
    urgency: arrival.urgency,
    method: arrival.method,
    target: arrival.target,
    headers: arrival.headers,
    body: arrival.body,
    sizeBytes: arrival.sizeBytes,
    caller,
  };
}

/** The pace of one user's clients, see `pace.ts`. */
export interface Pace extends ListNode<Pace> {
  readonly userName: string;
  /** The number of calls that are really unanswered. */
  unanswered: number;
  /** The number of calls that are unanswered in the shadow, or have an arrival time there. */
  inShadow: number;
  /**
   * The number of calls in a row that really arrived soon after the last answer, with no other unanswered call.
   */
  inARow: number;
  /** The time of the last real answer, in ms. */
  answeredAtMs: number;
  /** The delay of arrivals in the shadow, in ms. */
  shiftMs: number;
  readonly refusals: Refusals;
  /**
   * Calls that wait for answers in the shadow. A call with `opens` really arrived when no call was unanswered.
   */
  readonly waiting: Array<{ readonly call: ShadowCall; readonly opens: boolean }>;
  /** The time since which the user has no open call, in ms. */
  idleSinceMs: number;
}

/** A request that the shadow sent. */
export interface InFlightRequest {
  readonly batch: Batch<ShadowCall>;
  /** Whether this is a single request. */
  readonly unbatched: boolean;
  /** Whether the request no longer counts for the limit of its user, see `Sink.freeSlot`. */
  isSlotFree: boolean;
  /** Whether the end of the request is known. */
  isEndKnown: boolean;
  isOver: boolean;
}
