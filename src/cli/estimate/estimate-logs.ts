import { randomBytes } from 'node:crypto';
import { pathPatterns } from '../../core/ucwa/classify.ts';
import type { Settings } from '../../settings/schema.ts';
import { Census } from '../access-logs/census.ts';
import {
  type LineCounts,
  type LogFile,
  mergeLogs,
  type OpenFile,
} from '../access-logs/log-files.ts';
import type { EstimateRow } from './estimate-row.ts';
import { Estimator } from './estimator.ts';
import { grouped } from './recommendation.ts';
import { Sample, seededRandom } from './sample.ts';

/** Logs, after all of their lines were read. */
export interface ReadLogs {
  readonly files: readonly LogFile[];
  readonly census: Census;
  readonly counts: LineCounts;
  readonly estimator: Estimator;
  /** The share of the calls that was replayed. */
  readonly share: number;
  readonly rows: readonly EstimateRow[];
}

/** The replay of this number of calls takes some minutes. */
export const defaultMaxCalls = 200_000;

export interface EstimateOptions {
  readonly settings: Settings;
  readonly maxCalls: number;
  readonly open: OpenFile;
  /** Returns why these logs are not replayed, or `undefined`. */
  readonly refuse?: (census: Census) => string | undefined;
}

/**
 * Reads logs twice: first to count all requests, then to replay the calls. Replays the calls of a sample of the
 * applications if there are more than `maxCalls`. Returns a problem if the logs cannot be replayed.
 */
export async function estimateLogs(
  files: readonly LogFile[],
  { settings, maxCalls, open, refuse }: EstimateOptions,
): Promise<ReadLogs | string> {
  const { batching, limits, upstream } = settings;
  const rules = { maxCallBytes: limits.maxCallBytes, never: pathPatterns(batching.never) };
  const key = randomBytes(32);
  const first = new Census(rules, upstream.timeoutMs, key);
  let lowestHash = 'f'.repeat(12);
  const firstRead = await mergeLogs(files, open, (request) => {
    const call = first.add(request);
    if (call !== undefined && call.user < lowestHash) lowestHash = call.user;
  });
  if (first.requests === 0) {
    return `expected UCWA requests, found none in ${grouped(firstRead.lines)} lines`;
  }
  const problem = refuse?.(first);
  if (problem !== undefined) return problem;
  const sample = new Sample(Math.min(1, maxCalls / Math.max(1, first.counts.calls)), lowestHash);
  const estimator = new Estimator(settings, seededRandom());
  // A log may have grown since, so all results are those of this pass.
  const census = new Census(rules, upstream.timeoutMs, key);
  const counts = await mergeLogs(files, open, (request) => {
    const call = census.add(request);
    if (call !== undefined && sample.takes(call.user)) estimator.add(call, request.loggedMs);
  });
  const { calls } = census.counts;
  if (counts.lines < firstRead.lines || (calls > 0 && sample.calls === 0)) {
    throw new Error(
      `expected logs that only grow, found ${firstRead.lines} lines, and then ${counts.lines} lines`,
    );
  }
  const share = calls === 0 ? 1 : sample.calls / calls;
  const rows = estimator.end({ calls, share, applications: sample.applications });
  return { files, census, counts, estimator, share, rows };
}
