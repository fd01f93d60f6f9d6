import { Replay, replayable } from '../core/shadow/replay.ts';
import { readTrace, type TraceCall } from '../core/shadow/trace.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { quoted } from '../settings/quoted.ts';
import type { Settings } from '../settings/schema.ts';
import { type LogFile, sniff, type Sniffed } from './access-logs/log-files.ts';
import { type LogFormat, logFormats } from './access-logs/log-format.ts';
import { type Command, exitCode, type GivenArguments, type Io } from './command.ts';
import { defaultMaxCalls } from './estimate/estimate-logs.ts';
import { estimateRow } from './estimate/estimate-row.ts';
import { recommendation } from './estimate/recommendation.ts';
import { ReplayMemory } from './estimate/replay-memory.ts';
import { optionsOf, variants } from './estimate/variants.ts';
import { settingsSources } from './settings-flags.ts';
import { tuneLogs } from './tune-logs.ts';
import { onPlot, plotOf } from './tune-plot.ts';
import { tableOf, type TuneRow } from './tune-table.ts';
import { writePlot } from './write-plot.ts';

/** Replays a recording or access logs under other settings, and shows what each of them would save and cost. */
export const tune: Command = {
  name: 'tune',
  summary: 'show what batching would save and cost, from access logs or a recording',
  flags: [
    { name: 'config', placeholder: 'FILE', meaning: 'YAML file with the settings to vary' },
    {
      name: 'format',
      placeholder: 'FORMAT',
      meaning: `format of the logs: ${logFormats.join(', ')} (default: recognized from the content)`,
    },
    {
      name: 'max-calls',
      placeholder: 'N',
      meaning: `replay the calls of a sample of applications if logs have more calls (default: ${defaultMaxCalls})`,
    },
    { name: 'json', meaning: 'print the table as JSON' },
    { name: 'svg', placeholder: 'FILE', meaning: 'write the plot to this file' },
  ],
  operands: [
    {
      name: 'FILE',
      meaning: 'a recording, written by serve --record; or access logs, plain or gzip',
      isRepeated: true,
    },
  ],
  notes: `"saved" is the share of requests to the pool that batching would save. Waits are additional:
compared with mode off. The replay assumes that the pool answers each call as recorded, and
never refuses a batch.

Access logs are those of IIS (W3C), nginx (combined, with $request_time), HAProxy (httplog) and
Envoy (default). Most have times in seconds, so each result has a worst and a best case. Several
files may be of several servers and days.`,
  run,
};

async function run(given: GivenArguments, io: Io): Promise<number> {
  const loaded = loadSettings(settingsSources(given, io));
  const problems = loaded.ok ? [] : [...loaded.problems];
  const forced = given.flags['format'];
  const format = logFormats.find((known) => known === forced);
  if (forced !== undefined && format === undefined) {
    problems.push(`--format: expected ${logFormats.join(', ')}, found ${quoted(forced)}`);
  }
  const maxCalls = Number(given.flags['max-calls'] ?? defaultMaxCalls);
  if (!Number.isInteger(maxCalls) || maxCalls < 1) {
    problems.push(
      `--max-calls: expected a whole number from 1, found ${quoted(given.flags['max-calls'] ?? '')}`,
    );
  }
  const input = problems.length > 0 ? undefined : await readInput(given.operands, format, io);
  if (input?.kind === 'problems') problems.push(...input.problems);
  for (const problem of problems) io.stderr.write(`${problem}\n`);
  if (!loaded.ok || input === undefined || input.kind === 'problems') return exitCode.usage;
  if (input.kind === 'logs') return tuneLogs(input.files, loaded.settings, maxCalls, given, io);
  return tuneRecording(input.calls, loaded.settings, given, io);
}

type Input =
  | { readonly kind: 'problems'; readonly problems: readonly string[] }
  | { readonly kind: 'logs'; readonly files: readonly LogFile[] }
  | { readonly kind: 'recording'; readonly calls: readonly TraceCall[] };

/** Finds out what the files are. Reads a recording whole, and only the start of logs. */
async function readInput(
  paths: readonly string[],
  format: LogFormat | undefined,
  io: Io,
): Promise<Input> {
  const sniffed: Sniffed[] = [];
  for (const path of paths) sniffed.push(await sniff(path, io.openFile, format));
  const problems = sniffed.flatMap((one) => (one.kind === 'problem' ? [one.problem] : []));
  const [path = ''] = paths;
  if (problems.length === 0 && sniffed.some(({ kind }) => kind === 'recording')) {
    if (sniffed.length > 1)
      problems.push('expected one recording, or access logs only, found both');
    else {
      const trace = readTrace(path, io.readFile(path));
      if (trace.ok) return { kind: 'recording', calls: trace.calls };
      problems.push(...trace.problems);
    }
  }
  if (problems.length > 0) return { kind: 'problems', problems };
  return {
    kind: 'logs',
    files: sniffed.flatMap((one) => (one.kind === 'log' ? [one.file] : [])),
  };
}

function tuneRecording(
  trace: readonly TraceCall[],
  settings: Settings,
  given: GivenArguments,
  io: Io,
): number {
  const calls = replayable(trace);
  const rows = variants(settings.batching).map((variant): TuneRow => {
    const { limits } = settings;
    let nowMs = 0;
    const memory = new ReplayMemory(limits.maxUsers, limits.userIdleMs, () => nowMs);
    const replay = new Replay(optionsOf(settings, variant), memory, Math.random);
    for (const call of calls) {
      nowMs = call.trace.atMs;
      replay.arrives(call);
    }
    return { ...variant, tally: replay.end() };
  });
  const plot = plotOf(rows.map(onPlot));
  if (given.switches.has('json')) {
    io.stdout.write(`${JSON.stringify(rows.map(plain), null, 2)}\n`);
  } else {
    const users = new Set(trace.map(({ user }) => user)).size;
    const spanMs = (trace.at(-1)?.atMs ?? 0) - (trace[0]?.atMs ?? 0);
    const seconds = (spanMs / 1000).toFixed(1);
    io.stdout.write(
      `${calls.length} calls of ${users} user${users === 1 ? '' : 's'} in ${seconds} s\n\n`,
    );
    io.stdout.write(`${tableOf(rows)}\n${plot.text}\n`);
    const exact = { calls: calls.length, share: 1, applications: users, resolutionMs: 0 };
    const results = rows.map(({ tally, ...variant }) => estimateRow(variant, [tally], exact));
    const { exchangeRateMs } = settings.batching;
    io.stdout.write(`\n${recommendation(results, { exchangeRateMs, resolutionMs: 0 })}\n`);
  }
  writePlot(plot.svg, given, io);
  return exitCode.ok;
}

function plain({ tally, ...variant }: TuneRow) {
  return {
    ...variant,
    calls: tally.calls,
    requests: tally.requests,
    savedShare: tally.savedShare,
    waitMs: { mean: tally.meanAddedMs, p50: tally.addedMs(0.5), p95: tally.addedMs(0.95) },
    meanParts: tally.meanParts,
    refused: tally.refusals,
    failed: tally.failures,
  };
}
