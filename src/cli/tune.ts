import { writeFileSync } from 'node:fs';
import { replay, replayable } from '../core/shadow/replay.ts';
import { readTrace } from '../core/shadow/trace.ts';
import { createUserMemory } from '../engine/user-memory.ts';
import { loadSettings } from '../settings/load-settings.ts';
import type { Settings } from '../settings/schema.ts';
import { type Command, exitCode, type GivenArguments, type Io } from './command.ts';
import { settingsSources } from './settings-flags.ts';
import { plotOf } from './tune-plot.ts';
import { tableOf, type TuneRow } from './tune-table.ts';

const windowsMs = [2, 5, 10, 20];
const lingersMs = [2, 5, 10, 15, 20];
const caps = [5, 10, 20, 50];

/** Replays a recording under other settings, and shows what each of them would save and cost. */
export const tune: Command = {
  name: 'tune',
  summary: 'show what other settings would save and cost for a recording',
  flags: [
    { name: 'config', placeholder: 'FILE', meaning: 'YAML file with the settings to vary' },
    { name: 'json', meaning: 'print the table as JSON' },
    { name: 'svg', placeholder: 'FILE', meaning: 'write the plot to this file' },
  ],
  operands: [{ name: 'TRACE', meaning: 'a recording, written by serve --record' }],
  notes: `"saved" is the share of requests to the pool that batching would save. Waits are additional:
compared with mode off. The replay assumes that the pool answers each call as recorded, and
never refuses a batch.`,
  run: (given, io) => Promise.resolve(run(given, io)),
};

function run(given: GivenArguments, io: Io): number {
  const [file = ''] = given.operands;
  const loaded = loadSettings(settingsSources(given, io));
  const problems = loaded.ok ? [] : [...loaded.problems];
  let text = '';
  try {
    text = io.readFile(file);
  } catch (error) {
    problems.push(`${file}: cannot be read: ${error instanceof Error ? error.message : 'unknown'}`);
  }
  const trace = problems.length > 0 ? undefined : readTrace(file, text);
  if (trace?.ok === false) problems.push(...trace.problems);
  for (const problem of problems) io.stderr.write(`${problem}\n`);
  if (!loaded.ok || trace?.ok !== true) return exitCode.usage;

  const calls = replayable(trace.calls);
  const rows = variants(loaded.settings.batching).map((variant): TuneRow => {
    const options = optionsOf(loaded.settings, variant);
    const { limits } = loaded.settings;
    const memory = createUserMemory({ maxUsers: limits.maxUsers, idleMs: limits.userIdleMs });
    return { ...variant, tally: replay(calls, options, memory, Math.random) };
  });
  const { svg } = given.flags;
  if (svg !== undefined) writeFileSync(svg, plotOf(rows).svg);
  if (given.switches.has('json')) io.stdout.write(`${JSON.stringify(rows.map(plain), null, 2)}\n`);
  else {
    const users = new Set(trace.calls.map(({ user }) => user)).size;
    const spanMs = (trace.calls.at(-1)?.atMs ?? 0) - (trace.calls[0]?.atMs ?? 0);
    const seconds = (spanMs / 1000).toFixed(1);
    io.stdout.write(
      `${calls.length} calls of ${users} user${users === 1 ? '' : 's'} in ${seconds} s\n\n`,
    );
    io.stdout.write(`${tableOf(rows)}\n${plotOf(rows).text}\n`);
    if (svg !== undefined) io.stdout.write(`\nthe plot is in ${svg}\n`);
  }
  return exitCode.ok;
}

type Variant = Omit<TuneRow, 'tally'>;

/** Returns the variations to replay. `isGiven` marks the loaded settings, if batching is on. */
function variants(given: Settings['batching']): Variant[] {
  const { maxParts, lingerMaxMs } = given;
  const made: Variant[] = [{ mode: 'off', lingerMaxMs: 0, maxParts, isGiven: false }];
  const add = (mode: Variant['mode'], linger: number, parts: number): void => {
    const isGiven =
      mode === (given.mode === 'fixed' ? 'fixed' : 'adaptive') &&
      linger === lingerMaxMs &&
      parts === maxParts;
    made.push({ mode, lingerMaxMs: linger, maxParts: parts, isGiven });
  };
  const including = (values: readonly number[], own: number): number[] =>
    [...new Set([...values, own])].sort((a, b) => a - b);
  for (const ms of given.mode === 'fixed' ? including(windowsMs, lingerMaxMs) : windowsMs) {
    add('fixed', ms, maxParts);
  }
  for (const ms of including(lingersMs, lingerMaxMs)) add('adaptive', ms, maxParts);
  for (const parts of caps) if (parts !== maxParts) add('adaptive', lingerMaxMs, parts);
  return made;
}

function optionsOf({ batching, limits, upstream }: Settings, variant: Variant) {
  const { mode, lingerMaxMs, maxParts } = variant;
  const timeoutMs = upstream.timeoutMs;
  return {
    policy: { ...batching, ...limits, mode, lingerMaxMs, maxParts, timeoutMs },
    maxInFlightPerUser: batching.maxInFlightPerUser,
    maxConnections: upstream.maxConnections,
  };
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
