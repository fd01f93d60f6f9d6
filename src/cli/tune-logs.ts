/** The part of `tune` that reads access logs. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { pathPatterns } from '../core/ucwa/classify.ts';
import type { Settings } from '../settings/schema.ts';
import { Census } from './access-logs/census.ts';
import { type LogFile, mergeLogs } from './access-logs/log-files.ts';
import { exitCode, type GivenArguments, type Io } from './command.ts';
import { estimateTable } from './estimate/estimate-table.ts';
import { Estimator } from './estimate/estimator.ts';
import { busiestMinute, busiestText, logFacts, logSummary } from './estimate/log-summary.ts';
import { grouped, recommendation, recommended } from './estimate/recommendation.ts';
import { Sample, seededRandom } from './estimate/sample.ts';
import { plotOf, rangeOnPlot } from './tune-plot.ts';

/**
 * Reads the logs, and prints bounds for what each setting would save and cost. Reads them twice: first to count
 * all requests, then to replay the calls, or those of a sample of the applications.
 */
export async function tuneLogs(
  files: readonly LogFile[],
  settings: Settings,
  maxCalls: number,
  given: GivenArguments,
  io: Io,
): Promise<number> {
  const { batching, limits, upstream } = settings;
  const rules = { maxCallBytes: limits.maxCallBytes, never: pathPatterns(batching.never) };
  const key = randomBytes(32);
  const census = new Census(rules, upstream.timeoutMs, key);
  const counts = await mergeLogs(files, io.openFile, (request) => void census.add(request));
  if (census.requests === 0) {
    io.stderr.write(`expected UCWA requests, found none in ${grouped(counts.lines)} lines\n`);
    return exitCode.usage;
  }
  const { calls } = census.counts;
  const wanted = Math.min(1, maxCalls / Math.max(1, calls));
  const again = new Census(rules, upstream.timeoutMs, key);
  const sample = new Sample(wanted);
  const estimator = new Estimator(settings, seededRandom());
  await mergeLogs(files, io.openFile, (request) => {
    const call = again.add(request);
    if (call !== undefined && sample.takes(call.user)) estimator.add(call, request.loggedMs);
  });
  const share = calls === 0 ? 1 : sample.calls / calls;
  const rows = estimator.end({ calls, share, applications: sample.applications });
  const read = { files, census, counts, estimator, share };
  const busiest = busiestMinute(read);
  const { exchangeRateMs } = batching;
  const { resolutionMs } = estimator;
  const value = { exchangeRateMs, resolutionMs, otherRequests: census.requests - calls };
  const sentence = recommendation(rows, value);
  const plot = plotOf(rows.map(rangeOnPlot));
  const { svg } = given.flags;
  if (svg !== undefined) writeFileSync(svg, plot.svg);
  if (given.switches.has('json')) {
    const best = recommended(rows, value);
    const result = { ...logFacts(read), busiestMinute: busiest, recommendation: sentence };
    io.stdout.write(`${JSON.stringify({ ...result, recommended: best, rows }, null, 2)}\n`);
    return exitCode.ok;
  }
  io.stdout.write(`${logSummary(read)}\n${estimateTable(rows)}\n${plot.text}\n`);
  io.stdout.write(`\n${busiestText(busiest)}\n${sentence}\n`);
  if (svg !== undefined) io.stdout.write(`\nthe plot is in ${svg}\n`);
  return exitCode.ok;
}
