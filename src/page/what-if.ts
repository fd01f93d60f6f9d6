/**
 * "What if": replays the calls of the last minutes under other settings. A replay runs in short slices, so that the calls
 * of clients do not wait for it.
 */
import type { LearnedState, UserMemory } from '../core/schedule/state.ts';
import { Replay, replayCall } from '../core/shadow/replay.ts';
import type { ShadowOptions } from '../core/shadow/shadow.ts';
import type { ShadowTally } from '../core/shadow/tally.ts';
import type { TraceCall } from '../core/shadow/trace.ts';

/** The settings that the sliders change. */
export interface WhatIfSettings {
  readonly lingerMaxMs: number;
  readonly maxParts: number;
  readonly exchangeRateMs: number;
}

export interface WhatIfResult {
  readonly calls: number;
  readonly requests: number;
  readonly savedShare: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Time that the calls cover, in ms. */
  readonly spanMs: number;
}

/** The bounds of the settings of these names. */
const bounds = {
  lingerMaxMs: { min: 0, max: 1000 },
  maxParts: { min: 1, max: 1000 },
  exchangeRateMs: { min: 0, max: 10_000 },
} as const;

type Name = keyof WhatIfSettings;
const names = Object.keys(bounds) as Name[];

/** Reads `lingerMaxMs=15&maxParts=20&exchangeRateMs=50`; `undefined` if a number is missing or out of bounds. */
export function readWhatIf(query: string): WhatIfSettings | undefined {
  const pairs = query.split('&', names.length).map((pair) => pair.split('=', 2));
  const given = new Map(pairs.map(([name = '', value = '']) => [name, value]));
  const read: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const text = given.get(name) ?? '';
    const { min, max } = bounds[name];
    if (!/^\d{1,5}(?:\.\d{1,3})?$/.test(text) || Number(text) < min || Number(text) > max)
      return undefined;
    read[name] = Number(text);
  }
  return Number.isInteger(read.maxParts) ? (read as WhatIfSettings) : undefined;
}

/** The longest time that a replay may keep the event loop, and the pause after it, in ms. */
const sliceMs = 4;
const restMs = 12;
/** Calls between two looks at the clock. */
const callsPerLook = 16;

/** Lets the event loop do other work. */
export type Rest = (ms: number) => Promise<void>;

export async function replayInSlices(
  calls: readonly TraceCall[],
  options: ShadowOptions,
  { now, rest, isWanted }: { now: () => number; rest: Rest; isWanted: () => boolean },
): Promise<WhatIfResult | undefined> {
  const replay = new Replay(options, new PlainMemory(), () => 0.5);
  let untilMs = now() + sliceMs;
  for (const [index, call] of calls.entries()) {
    replay.arrives(replayCall(call));
    if (index % callsPerLook !== 0 || now() < untilMs) continue;
    await rest(restMs);
    if (!isWanted()) return undefined;
    untilMs = now() + sliceMs;
  }
  const spanMs = (calls.at(-1)?.atMs ?? 0) - (calls[0]?.atMs ?? 0);
  return resultOf(replay.end(), spanMs);
}

function resultOf(tally: ShadowTally, spanMs: number): WhatIfResult {
  const { calls, requests, savedShare, meanAddedMs } = tally;
  const ms = (value: number): number => (Number.isFinite(value) ? Math.round(value * 10) / 10 : 0);
  return {
    ...{ calls, requests, spanMs: Math.round(spanMs) },
    savedShare: Math.round(savedShare * 1000) / 1000,
    meanMs: ms(meanAddedMs),
    p50Ms: ms(tally.addedMs(0.5)),
    p95Ms: ms(tally.addedMs(0.95)),
  };
}

/** The calls of the last minutes are bounded, and with them their users. */
class PlainMemory implements UserMemory {
  readonly #users = new Map<string, LearnedState>();

  take(name: string): LearnedState | undefined {
    return this.#users.get(name);
  }

  keep(name: string, learned: LearnedState): void {
    this.#users.set(name, learned);
  }

  get size(): number {
    return this.#users.size;
  }
}

/** Replays that wait or run. */
const maxJobs = 4;

/** Runs one replay at a time. */
export class WhatIfQueue {
  #jobs = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @returns `undefined` if too many replays wait */
  run<T>(job: () => Promise<T>): Promise<T> | undefined {
    if (this.#jobs >= maxJobs) return undefined;
    this.#jobs += 1;
    const done = this.#last.then(job).finally(() => (this.#jobs -= 1));
    this.#last = done.catch(() => undefined);
    return done;
  }
}
