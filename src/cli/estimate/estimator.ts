/** Replays the calls of a log under all variations of the settings, for each placement of the calls. */
import { Replay, type ReplayCall, replayCall } from '../../core/shadow/replay.ts';
import { TimerHeap } from '../../core/structures/timer-heap.ts';
import type { Settings } from '../../settings/schema.ts';
import type { LogCall } from '../access-logs/census.ts';
import { type EstimateRow, estimateRow, type Replayed, unbatchedRow } from './estimate-row.ts';
import { MinuteReport } from './minute-report.ts';
import { type Placement, placements, Placer } from './placement.ts';
import { ReplayMemory } from './replay-memory.ts';
import { optionsOf, type Variant, variants } from './variants.ts';

/** Lines of a log may be late by this time. */
const disorderMs = 10_000;

interface Run {
  readonly variant: Variant;
  /** `undefined` for mode off, which needs no replay. */
  readonly replays: Readonly<Record<Placement, Replay>> | undefined;
}

export class Estimator {
  /** Calls that came too late in the log to be replayed. */
  disordered = 0;
  /** The calls and requests of each minute under the loaded settings, for each placement. */
  readonly minutes: Readonly<Record<Placement, MinuteReport>> = {
    together: new MinuteReport(),
    scattered: new MinuteReport(),
    apart: new MinuteReport(),
  };
  readonly #runs: readonly Run[];
  readonly #placer: Placer;
  /** Calls by their earliest arrival. */
  readonly #arrivals = new TimerHeap<LogCall>();
  readonly #timeoutMs: number;
  #resolutionMs = 0;
  #startMs: number | undefined;
  #placedMs = -Infinity;

  /** @param random returns numbers in [0, 1) */
  constructor(settings: Settings, random: () => number) {
    this.#timeoutMs = settings.upstream.timeoutMs;
    this.#runs = variants(settings.batching).map((variant) => ({
      variant,
      replays: variant.mode === 'off' ? undefined : this.#replays(settings, variant, random),
    }));
    this.#placer = new Placer(
      {
        together: (call, atMs) => this.#replay('together', call, atMs),
        scattered: (call, atMs) => this.#replay('scattered', call, atMs),
        apart: (call, atMs) => this.#replay('apart', call, atMs),
      },
      random,
    );
  }

  /** Adds a call. @param loggedMs the time of its line; lines come roughly in order */
  add(call: LogCall, loggedMs: number): void {
    if (call.earliestMs < this.#placedMs) {
      this.disordered += 1;
      return;
    }
    this.#startMs ??= loggedMs - disorderMs - this.#timeoutMs;
    this.#resolutionMs = Math.max(this.#resolutionMs, call.latestMs - call.earliestMs);
    this.#arrivals.add(call, call.earliestMs);
    this.#placeUntil(loggedMs - disorderMs - this.#timeoutMs);
  }

  /** Lets all calls end, and returns the results. @param sample the applications that were replayed */
  end(sample: Pick<Replayed, 'calls' | 'share' | 'applications'>): EstimateRow[] {
    this.#placeUntil(Infinity);
    this.#placer.end();
    const replayed = { ...sample, resolutionMs: this.#resolutionMs };
    return this.#runs.map(({ variant, replays }) => {
      if (replays === undefined) return unbatchedRow(variant, sample.calls);
      const tallies = placements.map((placement) => replays[placement].end());
      const fewestRequests = this.#placer.fewestRequests(variant.maxParts);
      return estimateRow(variant, tallies, { ...replayed, fewestRequests });
    });
  }

  /** The longest time between the bounds of an arrival. */
  get resolutionMs(): number {
    return this.#resolutionMs;
  }

  #placeUntil(atMs: number): void {
    while (this.#arrivals.nextAtMs <= atMs && this.#arrivals.nextAtMs < Infinity) {
      const { item, atMs: earliestMs } = this.#arrivals.take();
      this.#placedMs = earliestMs;
      this.#placer.add(item);
    }
  }

  #replays(
    settings: Settings,
    variant: Variant,
    random: () => number,
  ): Readonly<Record<Placement, Replay>> {
    const { maxUsers, userIdleMs } = settings.limits;
    const options = optionsOf(settings, variant);
    const replay = (placement: Placement): Replay => {
      const minutes = this.minutes[placement];
      const memory = new ReplayMemory(maxUsers, userIdleMs, () => minutes.nowMs);
      const report = variant.isGiven ? minutes : undefined;
      return new Replay(options, memory, random, report);
    };
    return {
      together: replay('together'),
      scattered: replay('scattered'),
      apart: replay('apart'),
    };
  }

  #replay(placement: Placement, call: LogCall, placedMs: number): void {
    this.minutes[placement].nowMs = placedMs;
    const placed = placedCall(call, placedMs - (this.#startMs ?? 0), placement);
    for (const { replays } of this.#runs) replays?.[placement].arrives(placed);
  }
}

/** The calls of the worst case never share a part, and a POST that may start an operation is never held. */
function placedCall(call: LogCall, atMs: number, placement: Placement): ReplayCall {
  const { user, method, route, resource, same, sizeBytes, tookMs, status } = call;
  const isWorst = placement === 'apart';
  const callClass = isWorst && method === 'POST' ? 'operation' : call.callClass;
  return replayCall({
    ...{ atMs, user, key: user, callClass, method, route, resource, sizeBytes, tookMs, status },
    same: isWorst ? '' : same,
  });
}
