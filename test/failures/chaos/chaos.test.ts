/**
 * All kinds of failures happen in turn, while callers check each answer by its nonce. The suite
 * makes 200,000 calls. `npm run soak` sets the duration.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mulberry32 } from '../../../src/simulator/pool/prng.ts';
import type { MetricValues } from '../../support/metric-values.ts';
import { Program } from '../../support/program.ts';
import { Checker } from './checker.ts';
import {
  gaugesAtRest,
  heapSlope,
  lateHeapGrowth,
  newResources,
  resourcesAtRest,
  sumOf,
  type HeapSample,
} from './end-checks.ts';
import { Load } from './load.ts';
import { phases } from './phases.ts';
import { startRig, type Resources } from './rig.ts';

const soakMinutes = Number(process.env['SOAK_MINUTES'] ?? 0);
const seed = Number(process.env['SOAK_SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff));
const calls = Number(process.env['CHAOS_CALLS'] ?? 200_000);
const rounds = 8;
const soakRoundMs = 20_000;
const phaseMs = 1000;
/** Deadline of a call that may be batched, and longest silence of a call that is passed through. */
const deadlineMs = 3000;
/** Time beyond the deadline that a busy machine may need. */
const graceMs = 12_000;
const env = {
  UCWA_PROXY_UPSTREAM_TIMEOUT_MS: String(deadlineMs),
  UCWA_PROXY_UPSTREAM_PASS_THROUGH_IDLE_MS: String(deadlineMs),
  UCWA_PROXY_UPSTREAM_IDLE_TIMEOUT_MS: '500',
  UCWA_PROXY_DRAIN_DELAY_MS: '0',
};
const timeoutMs = soakMinutes * 60_000 + 1_200_000;

interface Run {
  readonly checker: Checker;
  readonly violations: readonly string[];
  readonly hits: ReadonlyMap<string, number>;
  readonly phases: number;
  readonly metrics: MetricValues;
  readonly busyGauges: Record<string, number>;
  readonly heap: readonly HeapSample[];
  readonly before: Resources;
  readonly after: Resources;
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
  readonly exitCode: number | null;
}

async function run(program: Program): Promise<Run> {
  const checker = new Checker();
  const rig = await startRig(program, checker, env, mulberry32(seed));
  const { proxy } = rig;
  const load = new Load({
    port: proxy.port,
    checker,
    users: 20,
    callersPerUser: 20,
    leaveShare: 0.02,
    leaveWithinMs: 30,
    maxAnswerMs: deadlineMs + graceMs,
    afterErrorMs: 20,
    random: mulberry32(seed + 1),
  });
  const before = await proxy.resources();
  const heap: HeapSample[] = [];
  let busyGauges = {};
  const startedAtMs = performance.now();
  const isOver = (): boolean =>
    soakMinutes > 0
      ? performance.now() - startedAtMs >= soakMinutes * 60_000
      : heap.length >= rounds;
  while (!isOver()) {
    rig.harm(phases, phaseMs);
    const roundEndsAtMs = performance.now() + soakRoundMs;
    // On a quick machine the calls of a round could end before each failure has happened once.
    const share = (heap.length + 1) / rounds;
    await load.run(() =>
      soakMinutes > 0
        ? performance.now() < roundEndsAtMs
        : checker.issued < share * calls || rig.phasesOver() < share * phases.length,
    );
    await rig.calm();
    load.disconnect();
    busyGauges = await gaugesAtRest(proxy);
    heap.push({ calls: checker.issued, bytes: await proxy.heapBytes() });
  }
  const seconds = (performance.now() - startedAtMs) / 1000;
  load.stop();
  await rig.finish();
  const after = await resourcesAtRest(proxy, before);
  const metrics = await proxy.metrics();
  const warnings = await proxy.warnings();
  const rssMiB = Math.round((await proxy.rssBytes()) / 2 ** 20);
  const cpu = await rig.cpuSeconds();
  proxy.child.process.kill('SIGTERM');
  const exitCode = await proxy.child.exited;
  const figures = {
    seed,
    seconds: Math.round(seconds),
    calls: checker.issued,
    callsPerSecond: Math.round(checker.issued / seconds),
    ...checker.counts(),
    slowestAnswerMs: Math.round(load.slowestMs),
    phases: rig.phasesOver(),
    batches: sumOf(metrics, 'batch_parts_count'),
    repeats: sumOf(metrics, 'repeats_total'),
    toxics: Object.fromEntries(rig.relay.hits),
    heapMiB: heap.map(({ bytes }) => Number((bytes / 2 ** 20).toFixed(2))),
    heapSlopePer100kCalls: Number(heapSlope(heap).toFixed(5)),
    rssMiB,
    cpuSeconds: cpu,
  };
  process.stdout.write(`chaos: ${JSON.stringify(figures)}\n`);
  return {
    ...{
      checker,
      violations: checker.violations(),
      hits: rig.relay.hits,
      phases: rig.phasesOver(),
    },
    ...{ metrics, busyGauges, heap, before, after, warnings, errors: proxy.child.errors, exitCode },
  };
}

describe(`while all kinds of failures happen in turn (seed ${seed})`, () => {
  let program: Program;
  let ran: Run;

  beforeAll(async () => {
    program = Program.install();
    ran = await run(program);
  }, timeoutMs);
  afterAll(() => program.remove());

  test('each caller gets its own answer, no write runs twice, and each caller gets a true answer', () => {
    expect(ran.violations).toEqual([]);
  });

  test('control: every failure was tried, with many calls, and most calls were answered', () => {
    const { answered, writes, left, unanswered, pending } = ran.checker.counts();
    const { issued } = ran.checker;
    expect(soakMinutes > 0 || issued >= calls).toBe(true);
    expect(answered).toBeGreaterThan(issued * 0.8);
    expect(writes).toBeGreaterThan(issued * 0.2);
    expect(left).toBeGreaterThan(issued * 0.01);
    expect([unanswered, pending]).toEqual([0, 0]);
    expect(ran.phases).toBeGreaterThanOrEqual(phases.length);
    const toxics = phases.flatMap(({ relay }) => (relay === undefined ? [] : [relay.toxic.kind]));
    expect([...ran.hits.keys()].sort()).toEqual([...new Set(toxics)].sort());
    const { metrics } = ran;
    for (const family of ['429_splits_total', 'late_batches_total', 'collapsed_calls_total']) {
      expect([family, sumOf(metrics, family) > 0]).toEqual([family, true]);
    }
    for (const kind of ['not_multipart', 'truncated', 'fewer_parts', 'more_parts']) {
      const seen = sumOf(metrics, 'protocol_errors_total', `kind="${kind}"`);
      expect([kind, seen > 0]).toEqual([kind, true]);
    }
  });

  test('calls received equal calls answered or aborted, each request to the pool has ended, and no call is in flight', () => {
    const { metrics, checker, busyGauges } = ran;
    expect(busyGauges).toEqual({});
    const over = sumOf(metrics, 'calls_total') + sumOf(metrics, 'client_aborts_total');
    // A caller that leaves at once may be gone before the proxy has read a byte.
    expect(over).toBeLessThanOrEqual(checker.issued);
    expect(over).toBeGreaterThanOrEqual(checker.issued - checker.counts().left);
    expect(sumOf(metrics, 'upstream_duration_seconds_count', 'kind="batch"')).toBe(
      sumOf(metrics, 'batch_parts_count'),
    );
  });

  test('the heap does not grow with the number of calls', () => {
    // In shorter runs the growth of V8's own data about the code is larger than a leak would be.
    const isLong = ran.checker.issued >= 500_000;
    expect(isLong ? heapSlope(ran.heap) : lateHeapGrowth(ran.heap)).toBeLessThan(
      isLong ? 0.005 : 0.02,
    );
  });

  test('no timer, socket or file remains open, and Node prints no warning', () => {
    const { before, after } = ran;
    expect(newResources(after, before)).toEqual([]);
    expect(Math.abs(after.openFiles - before.openFiles)).toBeLessThanOrEqual(5);
    expect(ran.warnings).toEqual([]);
  });

  test('the proxy logs no error of its own, and stops with exit code 0', () => {
    expect(ran.errors).toEqual([]);
    expect(ran.exitCode).toBe(0);
  });
});
