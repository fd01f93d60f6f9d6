/** Predicts the figures of a front end with batching, and the number of users that it carries. */
import type { Range } from '../estimate/estimate-row.ts';
import { type LoadFigures, limits } from './load-figures.ts';

/** Facts of an access log. */
export interface LogFacts {
  /** The share of the calls' requests that batching saves. */
  readonly savedShare: Range;
  /** The share of calls in the UCWA requests without polls. */
  readonly callShare: number;
  /** The share of calls in the time that UCWA requests are in processing. */
  readonly callTimeShare: number;
  readonly applications: number;
}

export interface PredictedFigures {
  readonly processing: Range | undefined;
  readonly cpuPercent: Range | undefined;
}

/** The predictions follow from these assumptions. */
export const assumptions = [
  'A batch is in processing for as long as one of its calls. Polls stay as they are.',
  'CPU: in the best case UCWA works for each request, in the worst case for each call.',
  'Load grows in proportion to the users. One application in the log is one user.',
  'The limits are 10,000 requests in processing (95th percentile) and 15 % UCWA CPU (mean).',
];

/** The bounds are the best and the worst case. */
export function predict(
  { processing, cpuPercent }: LoadFigures,
  { savedShare, callShare, callTimeShare }: LogFacts,
): PredictedFigures {
  const less = (value: number, share: Range): Range => ({
    low: value * (1 - share.high),
    high: value * (1 - share.low),
  });
  const saved = (part: number): Range => ({
    low: savedShare.low * part,
    high: savedShare.high * part,
  });
  return {
    processing: processing === undefined ? undefined : less(processing, saved(callTimeShare)),
    cpuPercent:
      cpuPercent === undefined
        ? undefined
        : less(cpuPercent, { ...saved(callShare), low: Math.min(0, savedShare.low) }),
  };
}

/**
 * Returns the number of further users until the first limit, or `undefined` without a figure. It is negative if a
 * limit is exceeded.
 */
export function furtherUsers(
  users: number,
  { processing, cpuPercent }: Readonly<Record<'processing' | 'cpuPercent', number | undefined>>,
): number | undefined {
  const factors = [
    processing === undefined ? Infinity : limits.processing / processing,
    cpuPercent === undefined ? Infinity : limits.cpuPercent / cpuPercent,
  ];
  const factor = Math.min(...factors);
  return Number.isFinite(factor) ? Math.floor(users * (factor - 1)) : undefined;
}
