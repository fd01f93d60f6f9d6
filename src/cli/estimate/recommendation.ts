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
  valuation: Valuation,
): EstimateRow | undefined {
  const { resolutionMs } = valuation;
  const given = rows.find(({ isGiven }) => isGiven);
  const isExact = given === undefined || resolutionMs < given.lingerMaxMs;
  const isComparable = (row: EstimateRow): boolean => (isExact ? row.mode !== 'off' : row.isGiven);
  const valueOf = (row: EstimateRow): number => worthOf(row, valuation);
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
    `at the 95th percentile. ${comparedText(row, rows, valuation)}${advice}`
  );
}

/**
 * Compares the recommended settings with the loaded ones, or the loaded ones with the best of the other mode. A log
 * that cannot show differences as short as a hold has no others to compare.
 */
function comparedText(
  best: EstimateRow,
  rows: readonly EstimateRow[],
  valuation: Valuation,
): string {
  const others = rows.filter((row) =>
    best.isGiven ? row.mode !== best.mode && row.mode !== 'off' : row.isGiven,
  );
  const [first] = others;
  const other = others.reduce<EstimateRow | undefined>(
    (most, row) => (worthOf(row, valuation) > worthOf(most ?? row, valuation) ? row : most),
    first,
  );
  const given = best.isGiven ? 'These are the loaded settings. ' : '';
  if (other === undefined || valuation.resolutionMs >= best.lingerMaxMs) return given.trimEnd();
  const name = best.isGiven ? 'The best of the other mode' : 'The loaded settings';
  const { mode, lingerMaxMs, maxParts } = other;
  return (
    `${given}${name} (${mode}, ${lingerMaxMs} ms, ${maxParts} parts) would save ${bounds(other.savedShare, percent)} ` +
    `for a wait of ${bounds(other.waitMs.mean, ms)}. ` +
    `One saved request counts as ${valuation.exchangeRateMs} ms of waiting (batching.exchangeRateMs).`
  );
}

/** Returns the value of the results in the middle of their bounds: saved waiting for each call. */
function worthOf({ savedShare, waitMs }: EstimateRow, { exchangeRateMs }: Valuation): number {
  return middle(savedShare) * exchangeRateMs - middle(waitMs.mean);
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
