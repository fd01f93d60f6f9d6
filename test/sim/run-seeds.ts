/** Runs seeds one after the other, and prints what they were. */
import { execFileSync } from 'node:child_process';
import type { World } from './install.ts';
import { plant } from './planted.ts';
import { followMetrics } from './metrics-of-process.ts';
import { runOne, type RunResult } from './run-one.ts';

export interface Order {
  readonly seed: number;
  readonly runs: number | undefined;
  readonly seconds: number | undefined;
  readonly planted: string | undefined;
  /** Whether further seeds run after one that breaks a promise. */
  readonly all: boolean;
  readonly json: boolean;
}

const shownLines = 40;

/** @returns the exit code */
export async function runSeeds(world: World, order: Order): Promise<number> {
  followMetrics();
  if (order.planted !== undefined) plant(order.planted);
  const startedAtMs = world.realMs();
  const limitMs = order.seconds === undefined ? Infinity : order.seconds * 1000;
  const mostRuns = order.runs ?? (order.seconds === undefined ? 1 : Infinity);
  const total = {
    runs: 0,
    broken: 0,
    calls: 0,
    batched: 0,
    faults: new Map<string, number>(),
    virtualMs: 0,
  };
  let seed = order.seed;
  process.on('uncaughtException', (error) => {
    write(`seed ${seed} at commit ${commit()}: an exception that nothing caught: ${error.stack}`);
    process.exit(1);
  });
  for (let run = 0; run < mostRuns; run += 1) {
    seed = order.seed + run;
    if (run > 0 && world.realMs() - startedAtMs >= limitMs) break;
    const result = await runOne(world, seed);
    total.runs += 1;
    total.calls += result.calls;
    total.batched += result.batched;
    total.virtualMs += result.virtualMs;
    for (const [name, count] of Object.entries(result.faults)) {
      total.faults.set(name, (total.faults.get(name) ?? 0) + count);
    }
    if (order.json) write(JSON.stringify({ ...result, log: undefined }));
    if (result.violations.length > 0) {
      total.broken += 1;
      if (!order.json) report(result, order);
      if (!order.all) return 1;
    }
    if (mostRuns === 1) write(`seed ${result.seed}: log ${result.hash}`);
  }
  const seconds = Math.round((world.realMs() - startedAtMs) / 1000);
  const faults = [...total.faults].sort(([one], [other]) => one.localeCompare(other));
  const sum = faults.reduce((all, [, count]) => all + count, 0);
  write(
    `sim: ${total.runs} seeds from ${order.seed}, ${total.calls} calls (${total.batched} parts of batches), ${sum} faults, ` +
      `${Math.round(total.virtualMs / 1000)} s of virtual time in ${seconds} s, ${total.broken} seeds broke a promise`,
  );
  write(`sim: ${faults.map(([name, count]) => `${name}: ${count}`).join(', ')}`);
  return total.broken === 0 ? 0 : 1;
}

function report({ seed, violations, log, hash }: RunResult, { planted }: Order): void {
  write(log.last(shownLines).join('\n'));
  write(`seed ${seed} at commit ${commit()} breaks a promise (log ${hash}):`);
  for (const what of violations.slice(0, shownLines)) write(`- ${what}`);
  const more = planted === undefined ? '' : ` --planted ${planted}`;
  write(`again: npm run sim -- --seed ${seed}${more}`);
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
