/** Results with bounds. Results of a recording are exact: both bounds are equal. */
import type { ShadowTally } from '../../core/shadow/tally.ts';
import type { Variant } from './variants.ts';

/** The true value lies between the bounds. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** One set of settings, and bounds for its results. */
export interface EstimateRow extends Variant {
  readonly calls: number;
  readonly requests: Range;
  /** `low` is the worst case. */
  readonly savedShare: Range;
  /** Additional wait of a caller. */
  readonly waitMs: { readonly mean: Range; readonly p50: Range; readonly p95: Range };
  readonly meanParts: Range;
  /** The highest number of calls that a limit would refuse. */
  readonly refused: number;
  /** The highest number of calls that would fail. */
  readonly failed: number;
}

/** The calls that were replayed. */
export interface Replayed {
  /** All calls of the log. */
  readonly calls: number;
  /** The share of calls that were replayed. */
  readonly share: number;
  /** The number of applications with replayed calls. */
  readonly applications: number;
  /** The time between the bounds of an arrival; 0 if the arrivals are exact. */
  readonly resolutionMs: number;
  /** A number of requests that the proxy cannot go below; `undefined` if the arrivals are exact. */
  readonly fewestRequests?: number;
}

/**
 * The scheduler learns from arrivals. Small differences of arrivals change what it learns, so the results of two
 * placements are not the exact extremes. Tests with logs of known calls set these margins.
 */
const savedMargin = 0.01;
const savedMarginOfOneCall = 0.6;
const waitMargin = 0.15;
const waitMarginOfOneCall = 10;
const waitMarginMs = 1;
/** The bounds of a quantile are those of its neighbors. */
const quantileStep = 0.1;
const quantileStepOfOneCall = 1;
/** The standard deviation of the saved share between applications is at most this. */
const applicationDeviation = 0.3;
const deviations = 3;

/** Returns the bounds from replays with different arrivals. */
export function estimateRow(
  variant: Variant,
  tallies: readonly ShadowTally[],
  replayed: Replayed,
): EstimateRow {
  const { calls, share, resolutionMs } = replayed;
  const range = (value: (tally: ShadowTally) => number): Range => {
    const values = tallies.map(value);
    return { low: Math.min(...values), high: Math.max(...values) };
  };
  const savedShare = savedRange(
    range((tally) => tally.savedShare),
    replayed,
  );
  const slackMs = Math.min(variant.lingerMaxMs, resolutionMs);
  const replayedCalls = Math.max(1, calls * share);
  const wait = (value: (tally: ShadowTally, step: number) => number): Range => {
    const { low } = range((tally) => value(tally, -1));
    const { high } = range((tally) => value(tally, 1));
    if (resolutionMs === 0) return { low, high };
    const margin = waitMargin + waitMarginOfOneCall / Math.sqrt(replayedCalls);
    // A wait is negative if a call shares the part of an earlier call.
    const floor = low < 0 ? -Infinity : 0;
    return widened({ low, high }, slackMs + waitMarginMs + high * margin, floor);
  };
  const quantile = (at: number): Range => {
    const most = quantileStep + quantileStepOfOneCall / Math.sqrt(replayedCalls);
    const step = resolutionMs === 0 ? 0 : 2 * most * Math.sqrt(at * (1 - at));
    return wait((tally, sign) => tally.addedMs(Math.max(0, Math.min(1, at + sign * step))));
  };
  const scaled = (count: number): number => Math.round(count / share);
  return {
    ...variant,
    calls,
    requests: {
      low: Math.round(calls * (1 - savedShare.high)),
      high: Math.round(calls * (1 - savedShare.low)),
    },
    savedShare,
    waitMs: {
      mean: wait(({ meanAddedMs }) => meanAddedMs),
      p50: quantile(0.5),
      p95: quantile(0.95),
    },
    meanParts: range(({ meanParts }) => meanParts),
    refused: scaled(range(({ refusals }) => refusals).high),
    failed: scaled(range(({ failures }) => failures).high),
  };
}

/** Returns the row of mode off: each call is a request, and no call waits longer. */
export function unbatchedRow(variant: Variant, calls: number): EstimateRow {
  const none = { low: 0, high: 0 };
  return {
    ...variant,
    calls,
    requests: { low: calls, high: calls },
    savedShare: none,
    waitMs: { mean: none, p50: none, p95: none },
    meanParts: none,
    refused: 0,
    failed: 0,
  };
}

/** Returns the bounds of the saved share. Batching can need more requests: the proxy sends late GETs again. */
function savedRange({ low, high }: Range, replayed: Replayed): Range {
  const { calls, share, applications, resolutionMs } = replayed;
  if (resolutionMs === 0) return { low, high };
  const ofCalls = savedMarginOfOneCall / Math.sqrt(Math.max(1, calls * share));
  const ofSample =
    (deviations * applicationDeviation * Math.sqrt(1 - share)) /
    Math.sqrt(Math.max(1, applications));
  // The scheduler splits large groups. The truth may have smaller ones, which it does not split.
  const most = 1 - (replayed.fewestRequests ?? Infinity) / Math.max(1, calls * share);
  return widened(
    { low, high: Math.max(low, high, most) },
    savedMargin + ofCalls + ofSample,
    -ofCalls,
  );
}

/** Returns the range with a margin on both sides. The margin does not extend a range below the floor. */
function widened({ low, high }: Range, margin: number, floor: number): Range {
  return { low: Math.max(low - margin, Math.min(low, floor)), high: high + margin };
}
