/** The part of `tune` that reads access logs. */
import type { Settings } from '../settings/schema.ts';
import type { LogFile } from './access-logs/log-files.ts';
import { exitCode, type GivenArguments, type Io } from './command.ts';
import { estimateLogs } from './estimate/estimate-logs.ts';
import { estimateTable } from './estimate/estimate-table.ts';
import { busiestMinute, busiestText, logFacts, logSummary } from './estimate/log-summary.ts';
import { recommendation, recommended } from './estimate/recommendation.ts';
import { plotOf, rangeOnPlot } from './tune-plot.ts';
import { writePlot } from './write-plot.ts';

/** Reads the logs, and prints bounds for what each setting would save and cost. */
export async function tuneLogs(
  files: readonly LogFile[],
  settings: Settings,
  maxCalls: number,
  given: GivenArguments,
  io: Io,
): Promise<number> {
  const read = await estimateLogs(files, { settings, maxCalls, open: io.openFile });
  if (typeof read === 'string') {
    io.stderr.write(`${read}\n`);
    return exitCode.usage;
  }
  const { census, estimator, rows } = read;
  const busiest = busiestMinute(read);
  const { exchangeRateMs } = settings.batching;
  const { resolutionMs } = estimator;
  const value = {
    exchangeRateMs,
    resolutionMs,
    otherRequests: census.requests - census.counts.calls,
  };
  const sentence = recommendation(rows, value);
  const plot = plotOf(rows.map(rangeOnPlot));
  if (given.switches.has('json')) {
    const best = recommended(rows, value);
    const result = { ...logFacts(read), busiestMinute: busiest, recommendation: sentence };
    io.stdout.write(`${JSON.stringify({ ...result, recommended: best, rows }, null, 2)}\n`);
  } else {
    io.stdout.write(`${logSummary(read)}\n${estimateTable(rows)}\n${plot.text}\n`);
    io.stdout.write(`\n${busiestText(busiest)}\n${sentence}\n`);
  }
  writePlot(plot.svg, given, io);
  return exitCode.ok;
}
