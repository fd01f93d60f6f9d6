import type { Arrival, Call, Batch } from '../schedule/state.ts';
import type { Outcome, Refusals } from './outcome.ts';
import type { Listed } from '../structures/linked-list.ts';

/** A call that came. Its body is of no use here, and should not be kept. */
export type ShadowArrival = Omit<Arrival<never>, 'ticket'>;

/** A call as the shadow follows it, beside the real one. Only the shadow writes to it. */
export interface ShadowCall {
  /** Until it is submitted; for ever, where its client would not have sent it. */
  arrival: ShadowArrival | undefined;
  readonly pace: Pace;
  readonly arrivedAtMs: number;
  /** When it comes in the shadow: later, where its client would still have waited. */
  atMs: number;
  /** Of the requests that it really left in and that were not refused, in order. */
  readonly outcomes: Outcome[];
  /** Whether no further outcome comes. */
  isOver: boolean;
  /** What its caller really waited. */
  realMs: number | undefined;
  /** What its caller would have waited; `undefined`: not answered yet, or not at all. */
  shadowMs: number | undefined;
  /** Whether it failed in the shadow. */
  hasFailed: boolean;
  /** Whether its caller left. */
  hasLeft: boolean;
  call: Call<ShadowCall> | undefined;
  /** Requests of the shadow that wait for its next outcome. */
  readonly awaitedBy: InFlightRequest[];
}

/** What would have been. */
export interface ShadowReport {
  /** A request would have left. @param newCalls those in it that have not left before */
  requestSent(newCalls: number, parts: number): void;
  /** A caller would have been answered, so much later than he was; sooner, if below zero. */
  answered(addedMs: number): void;
  /** A caller would have been refused by a cap, or failed although he was answered. */
  refused(): void;
  failed(): void;
}

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

/** Field by field: a spread copy is many times slower. */
export function withTicket(arrival: ShadowArrival, ticket: ShadowCall): Arrival<ShadowCall> {
  return {
    key: arrival.key,
    callClass: arrival.callClass,
    resource: arrival.resource,
    collapsible: arrival.collapsible,
    method: arrival.method,
    target: arrival.target,
    headers: arrival.headers,
    body: arrival.body,
    sizeBytes: arrival.sizeBytes,
    ticket,
  };
}

/** One user's. */
export interface Pace extends Listed<Pace> {
  readonly userName: string;
  /** Calls that are really unanswered. */
  unanswered: number;
  /** Calls that are unanswered in the shadow, or will come there. */
  inShadow: number;
  /** Calls in a row that really came when nothing was unanswered, soon after the last answer. */
  inARow: number;
  answeredAtMs: number;
  /** So much later what comes now comes in the shadow. */
  shiftMs: number;
  readonly refusals: Refusals;
  /** Calls that wait for the shadow's answers; each that `opens` for all before it. */
  readonly waiting: Array<{ readonly call: ShadowCall; readonly opens: boolean }>;
  idleSinceMs: number;
}

export interface InFlightRequest {
  readonly batch: Batch<ShadowCall>;
  readonly solo: boolean;
  /** Whether it has given back its place among those of its user. */
  isSlotFree: boolean;
  /** Whether its end is known. */
  isEndKnown: boolean;
  isOver: boolean;
}
