/** The sentence that recommends settings. */
import type { EstimateRow, Range } from './estimate-row.ts';

/** Savings below this share are not worth a proxy. */
const worthwhile = 0.05;

/** How results are valued. */
export interface Valuation {
  /** Value of one saved request, in ms of waiting. */
  readonly exchangeRateMs: number;
  /** The time between the bounds of an arrival; 0 if the arrivals are exact. */
  readonly resolutionMs: number;
  /** UCWA requests of the log which no setting can save; `undefined` if they are unknown. */
  readonly otherRequests?: number;
}

/**
 * Returns the row with batching that has the highest value in the middle of its bounds. Ties go to the loaded
 * settings. If the log cannot show differences as short as a hold, the loaded settings stay.
 */
export function recommended(
  rows: readonly EstimateRow[],
  { exchangeRateMs, resolutionMs }: Valuation,
): EstimateRow | undefined {
  const given = rows.find(({ isGiven }) => isGiven);
  const isExact = given === undefined || resolutionMs < given.lingerMaxMs;
  const isComparable = (row: EstimateRow): boolean => (isExact ? row.mode !== 'off' : row.isGiven);
  const valueOf = ({ savedShare, waitMs }: EstimateRow): number =>
    middle(savedShare) * exchangeRateMs - middle(waitMs.mean);
  let best: EstimateRow | undefined;
  for (const row of rows.filter(isComparable)) {
    const isBetter = best === undefined || valueOf(row) > valueOf(best);
    const isTie = best !== undefined && row.isGiven && valueOf(row) >= valueOf(best);
    if (isBetter || isTie) best = row;
  }
  return best;
}

/** Returns the recommendation. */
export function recommendation(rows: readonly EstimateRow[], valuation: Valuation): string {
  const row = recommended(rows, valuation);
  const most = Math.max(0, ...rows.map(({ savedShare }) => savedShare.high));
  if (row === undefined || row.calls === 0) return 'No call came that could be batched.';
  if (most < worthwhile) {
    return `Batching is not worth it here: no setting saves more than ${percent(most)} of the calls.`;
  }
  const { savedShare, requests, waitMs, calls } = row;
  const ofAll = `${bounds(savedShare, percent)} of the ${grouped(calls)} calls`;
  const { otherRequests = 0, resolutionMs } = valuation;
  const total = calls + otherRequests;
  const share = {
    low: (calls - requests.high) / total,
    high: (calls - requests.low) / total,
  };
  const more = otherRequests > 0 ? ` (${bounds(share, percent)} of all UCWA requests)` : '';
  const advice =
    savedShare.low < worthwhile && savedShare.high - savedShare.low > worthwhile
      ? ` The times of this log are known to ${(resolutionMs / 1000).toFixed(1)} s, which leaves this open: mode shadow or a recording decides it.`
      : '';
  return (
    `Recommended: ${settingsOf(row)}. It saves ${ofAll}${more}. ` +
    `Callers wait ${bounds(waitMs.mean, ms)} longer on average, and ${bounds(waitMs.p95, ms)} ` +
    `at the 95th percentile.${advice}`
  );
}

function settingsOf({ mode, lingerMaxMs, maxParts }: EstimateRow): string {
  return `batching.mode ${mode}, lingerMaxMs ${lingerMaxMs}, maxParts ${maxParts}`;
}

/** Formats bounds; equal bounds as one value. */
export function bounds({ low, high }: Range, format: (value: number) => string): string {
  const [from, to] = [format(low), format(high)];
  return from === to ? to : `${from} to ${to}`;
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
export const ms = (value: number): string => `${value.toFixed(1)} ms`;
/** Formats a whole number with commas between thousands. */
export const grouped = (count: number): string => count.toLocaleString('en-US');

function middle({ low, high }: Range): number {
  return (low + high) / 2;
}
