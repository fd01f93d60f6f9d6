/**
 * The proxy with the memory of a small pod, 20 good callers who call in every way, and an attack.
 * Measures what the good callers notice, what the attack costs, and how soon the proxy recovers.
 */
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { onCleanup } from './cleanup.ts';
import { quantile } from './crowd.ts';
import { DoorCallers, type Seen, type Way, ways } from './door-callers.ts';
import type { Program } from './program.ts';
import { startProxyProcess, type ProxyProcess } from './proxy-process.ts';

const MiB = 1024 * 1024;
/** Memory of a pod in the charts. The old generation gets half of it, and the young one is bounded, as there. */
const podBytes = 256 * MiB;
const nodeFlags = [`--max-old-space-size=${podBytes / 2 / MiB}`, '--max-semi-space-size=16'];

/**
 * A lower percentile reflects the machine. An attack that shuts out good callers costs them
 * seconds.
 */
const noiseMs = 150;
/** The percentile that is judged for each way. There are too few calls for a higher one. */
const judgedShare = 0.95;
const mostSlowdown = 2;
/**
 * Number of further rounds while a way is too slow in all rounds so far. Noise of the machine does
 * not last through all of them, and an attack that costs time does.
 */
const mostFurtherRounds = 4;
const calmRoundMs = 1000;
const backWithinMs = 10_000;
const lookEveryMs = 200;
/** Number of connections opened at a time. More would overflow the accept queue of the listener. */
const atOnce = 50;

interface AttackRound {
  readonly attackers: number;
  readonly calm: readonly Seen[];
  readonly beside: readonly Seen[];
}

interface Outcome {
  /** Name of the attack in the table of `docs/reliability.md`. */
  readonly attack: string;
  readonly rounds: AttackRound[];
  peakBytes: number;
  /** Time from the end of the last attack until the proxy holds no more than before. */
  backMs: number;
  /** Bytes that the last attack sent. */
  sentBytes: number;
}

/** An attack that is going on. */
export interface Attack {
  /** Resolves when the attack is complete. Its connections may stay open until `end`. */
  readonly done: Promise<unknown>;
  readonly end: () => void;
  readonly sentBytes: () => number;
}

export class Door {
  readonly proxy: ProxyProcess;
  readonly #good: DoorCallers;

  private constructor(proxy: ProxyProcess, good: DoorCallers) {
    this.proxy = proxy;
    this.#good = good;
  }

  /** `poolUrl` is by default the URL of a simulated pool, started for this test. */
  static async open(
    program: Program,
    { poolUrl, env = {} }: { poolUrl?: string; env?: Readonly<Record<string, string>> } = {},
  ): Promise<Door> {
    const proxy = await startProxyProcess(program, poolUrl ?? (await startSimulated(program)), {
      env,
      nodeFlags,
    });
    const good = new DoorCallers(proxy.port, proxy.adminPort);
    const warm = performance.now() + calmRoundMs;
    await good.goOn(() => performance.now() < warm);
    return new Door(proxy, good);
  }

  async metric(name: string): Promise<number> {
    return (await this.proxy.metrics()).get(`ucwa_proxy_${name}`) ?? NaN;
  }

  /**
   * Alternates calm and attacks, one attack per size. Only attacks of the last size are judged by
   * time. They are repeated while a way is too slow.
   *
   * @param ms least time that the good callers call beside an attack that is judged by time
   */
  async alternate(
    name: string,
    sizes: readonly number[],
    ms: number,
    attack: (attackers: number) => Attack,
  ): Promise<Outcome> {
    const before = await this.#open();
    const outcome: Outcome = { attack: name, rounds: [], peakBytes: 0, backMs: NaN, sentBytes: 0 };
    const judged = sizes.at(-1) ?? 0;
    const round = (attackers: number): Promise<void> => {
      const isJudged = attackers === judged;
      const times = { calmMs: isJudged ? calmRoundMs : 0, besideMs: isJudged ? ms : ms / 2 };
      return this.#round(outcome, before, times, () => attack(attackers), attackers);
    };
    for (const attackers of sizes) await round(attackers);
    for (let further = 0; further < mostFurtherRounds; further += 1) {
      if (ways.every((way) => tooSlow(way, outcome.rounds) === false)) break;
      await round(judged);
    }
    show(outcome);
    return outcome;
  }

  /** Adds one attack to `outcome`, after a time of calm. */
  async #round(
    outcome: Outcome,
    before: readonly number[],
    { calmMs, besideMs }: { readonly calmMs: number; readonly besideMs: number },
    attack: () => Attack,
    attackers: number,
  ): Promise<void> {
    const { proxy } = this;
    const calmUntil = performance.now() + calmMs;
    const calm = await this.#good.goOn(() => performance.now() < calmUntil);
    const attacked = new AbortController();
    const asking = this.#good.goOn(() => !attacked.signal.aborted);
    const { done, end, sentBytes } = attack();
    const over = Promise.all([done, delay(besideMs)]).then(() => attacked.abort());
    while (!attacked.signal.aborted && proxy.child.exitCode === null) {
      const residentBytes = await proxy.residentBytes().catch(() => 0);
      outcome.peakBytes = Math.max(outcome.peakBytes, residentBytes);
      await Promise.race([over, delay(lookEveryMs)]);
    }
    attacked.abort();
    outcome.rounds.push({ attackers, calm, beside: await asking });
    outcome.sentBytes = sentBytes();
    end();
    if (proxy.child.exitCode !== null) throw new Error(`the proxy ended: ${proxy.errors()}`);
    outcome.backMs = await this.#untilBack(before);
  }

  /** Values that an attack can raise: connections, long polls and calls. */
  async #open(): Promise<readonly number[]> {
    const metrics = await this.proxy.metrics();
    const names = ['connections{side="client"}', 'long_polls', 'held_calls', 'outstanding_calls'];
    return names.map((name) => metrics.get(`ucwa_proxy_${name}`) ?? NaN);
  }

  /** Waits until the attackers occupy nothing more, and returns the time that takes. */
  async #untilBack(before: readonly number[]): Promise<number> {
    const began = performance.now();
    const isBack = (now: readonly number[]): boolean => now.every((n, i) => n <= before[i]!);
    while (performance.now() - began < 2 * backWithinMs) {
      if (isBack(await this.#open())) break;
      await delay(lookEveryMs / 4);
    }
    return performance.now() - began;
  }
}

async function startSimulated(program: Program): Promise<string> {
  const { match } = await program.start(/pool at (\S+)/, [
    ...['simulate', '--listen', '127.0.0.1:0', '--latency', '5'],
  ]);
  return match[1] ?? '';
}

/** Checks success, latency, memory and recovery: no good caller notices the attack. */
export function expectNobodyNotices({ rounds, peakBytes, backMs }: Outcome): void {
  for (const { attackers, beside } of rounds) {
    const failed = countFailed(beside);
    expect({ attackers, failed }).toEqual({ attackers, failed: {} });
  }
  for (const way of ways) expect({ way, slow: tooSlow(way, rounds) }).toEqual({ way, slow: false });
  expect(peakBytes / MiB).toBeLessThanOrEqual(podBytes / MiB);
  expect(backMs).toBeLessThanOrEqual(backWithinMs);
}

/** Failed calls by way and status: 0 is a closed connection, -1 is no answer in time. */
function countFailed(seen: readonly Seen[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { way, status, served } of seen) {
    const key = `${way} ${status}`;
    if (!served) counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** The rounds with the last size of the attack. */
const judgedOf = (rounds: readonly AttackRound[]): readonly AttackRound[] =>
  rounds.filter(({ attackers }) => attackers === rounds.at(-1)?.attackers);

/** Returns the slowdown in the quietest round: noise of the machine can only raise the factor. */
function tooSlow(way: Way, rounds: readonly AttackRound[]): number | false {
  const time = (seen: readonly Seen[], share: number): number =>
    quantile(
      seen.filter((one) => one.way === way && one.served).map(({ ms }) => ms),
      share,
    );
  const factor = Math.min(
    ...judgedOf(rounds).map(
      ({ calm, beside }) => time(beside, judgedShare) / Math.max(noiseMs, time(calm, judgedShare)),
    ),
  );
  return factor <= mostSlowdown ? false : factor;
}

/**
 * Appends the figures for the table in `docs/reliability.md` to the file that `DOOR_FIGURES` names.
 */
function show({ attack, rounds, peakBytes, backMs, sentBytes }: Outcome): void {
  const file = process.env['DOOR_FIGURES'];
  if (file === undefined) return;
  const most = judgedOf(rounds);
  const p99 = (seen: readonly Seen[]): number =>
    Math.round(
      quantile(
        seen.map(({ ms }) => ms),
        0.99,
      ),
    );
  const all = rounds.flatMap(({ beside }) => beside);
  const figures = {
    attack,
    attackers: most[0]?.attackers,
    sentBytes,
    failed: rounds.map(({ attackers, beside }) => [attackers, countFailed(beside)]),
    served: `${all.filter(({ served }) => served).length} of ${all.length}`,
    p99: most.map(({ calm, beside }) => [p99(calm), p99(beside)]),
    ways: Object.fromEntries(ways.map((way) => [way, tooSlow(way, rounds)])),
    peakMiB: Math.round(peakBytes / MiB),
    backMs: Math.round(backMs),
  };
  appendFileSync(file, `${JSON.stringify(figures)}\n`);
}

interface Holding {
  /** Bytes to send at once on each connection. The connections take the texts in turn. */
  readonly bytes?: readonly string[];
  readonly address?: string;
  /** Whether the attacker reads what the proxy sends. */
  readonly reads?: boolean;
  /** Whether the attacker opens a connection again after the proxy closes it. */
  readonly comesBack?: boolean;
}

/** Time that an attacker waits before it connects again. */
const comesBackAfterMs = 100;

/** Opens connections that send something once and never close. */
export function hold(
  port: number,
  count: number,
  { bytes = [], address = '127.0.0.1', reads = false, comesBack = false }: Holding = {},
): Attack {
  const sockets = new Set<Socket>();
  let sent = 0;
  let isOver = false;
  let opened = 0;
  const open = async (): Promise<void> => {
    const said = bytes[opened % bytes.length] ?? '';
    opened += 1;
    const socket = connect({ port, host: '127.0.0.1', localAddress: address, allowHalfOpen: true });
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (reads) socket.resume();
    else socket.pause();
    socket.once('close', () => {
      sockets.delete(socket);
      sent += socket.bytesWritten;
      if (comesBack) void delay(comesBackAfterMs).then(() => (isOver ? undefined : open()));
    });
    if (said !== '') socket.write(said);
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
  };
  const all = async (): Promise<void> => {
    for (let left = count; left > 0 && !isOver; left -= atOnce) {
      await Promise.all(Array.from({ length: Math.min(atOnce, left) }, open));
    }
  };
  const end = (): void => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  };
  onCleanup(end);
  return {
    done: all(),
    end,
    sentBytes: () => Array.from(sockets).reduce((sum, one) => sum + one.bytesWritten, sent),
  };
}
