/** Describes the logs that were read: their requests by kind, and the busiest minute. */
import { type Kind, kinds } from '../access-logs/census.ts';
import type { LogFile } from '../access-logs/log-files.ts';
import { formatNames } from '../access-logs/log-format.ts';
import type { Range } from './estimate-row.ts';
import type { ReadLogs } from './estimate-logs.ts';
import { placements } from './placement.ts';
import { bounds, grouped, percent } from './recommendation.ts';

export interface BusiestMinute {
  readonly from: string;
  /** UCWA requests of the minute. */
  readonly requests: number;
  /** Requests that the loaded settings save. `low` is the worst case. */
  readonly saved: Range;
}

export function busiestMinute({ census, estimator, share }: ReadLogs): BusiestMinute {
  const { minutes } = estimator;
  let [busiest, requests] = [0, 0];
  for (const [minute, count] of census.minutes) {
    if (count > requests) [busiest, requests] = [minute, count];
  }
  const saved = placements.map((placement) => {
    const counts = minutes[placement].minutes.get(busiest) ?? { calls: 0, requests: 0 };
    return Math.round((counts.calls - counts.requests) / share);
  });
  const range = { low: Math.min(...saved), high: Math.max(...saved) };
  return { from: timeOf(busiest * 60_000), requests, saved: range };
}

export function busiestText({ from, requests, saved }: BusiestMinute): string {
  const less = bounds(saved, (count) => grouped(count));
  const perSecond = (requests / 60).toFixed(1);
  return (
    `Busiest minute: ${from}, with ${grouped(requests)} UCWA requests (${perSecond} a second). ` +
    `These settings save ${less} of them.`
  );
}

/** The facts of the logs, for JSON. */
export function logFacts({ files, census, counts, estimator, share }: ReadLogs) {
  return {
    formats: formatsOf(files),
    files: files.length,
    lines: counts.lines,
    unreadableLines: counts.unreadable,
    disorderedCalls: estimator.disordered,
    replayedShare: share,
    from: timeOf(census.firstMs),
    to: timeOf(census.lastMs),
    applications: census.applications.count,
    /** Whether there may be more applications than that. */
    isMore: census.applications.isMore,
    requests: census.requests,
    requestsByKind: census.counts,
    clientErrors: census.clientErrors,
    serverErrors: census.serverErrors,
  };
}

/** The facts of the logs, for people. */
export function logSummary({ files, census, counts, estimator, share }: ReadLogs): string {
  const { applications, clientErrors, serverErrors } = census;
  const names = formatsOf(files).join(', ');
  const plural = files.length === 1 ? 'file' : 'files';
  const rows: Array<[number, string]> = [
    ...Object.entries(kinds).map(([kind, meaning]): [number, string] => [
      census.counts[kind as Kind],
      meaning,
    ]),
    [counts.unreadable, 'lines that cannot be read'],
    [estimator.disordered, 'calls that come too late in the log; they are left out'],
    [clientErrors, 'of the UCWA requests have a status from 400 to 499'],
    [serverErrors, 'of the UCWA requests have a status from 500'],
  ];
  const width = Math.max(...rows.map(([count]) => grouped(count).length));
  return [
    `${grouped(counts.lines)} lines of ${files.length} ${plural} (${names}), ` +
      `${timeOf(census.firstMs)} to ${timeOf(census.lastMs)}, ` +
      `${applications.isMore ? 'at least ' : ''}${grouped(applications.count)} applications`,
    '',
    ...rows
      .filter(([count]) => count > 0)
      .map(([count, meaning]) => `${grouped(count).padStart(width)} ${meaning}`),
    ...(share < 1
      ? [
          '',
          `the results are those of a sample of applications with ${percent(share)} of the calls`,
        ]
      : []),
    '',
  ].join('\n');
}

function formatsOf(files: readonly LogFile[]): readonly string[] {
  return [...new Set(files.map(({ format }) => formatNames[format]))];
}

/** Formats a time: 2026-11-30 14:05:09. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
