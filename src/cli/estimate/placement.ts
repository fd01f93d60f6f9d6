/**
 * Places calls within the bounds of their arrivals. An access log in whole seconds does not show which calls of a
 * user came together. Two placements are the extremes, and one is between them:
 *
 *     together  | as many calls of a user as possible arrive at the same instant
 *     scattered | each call arrives at a random time between its bounds
 *     apart     | the calls of a user arrive as far from each other as their bounds allow
 *
 * The calls of a user form clusters, in which each call could have been close to the call before.
 */
import type { LogCall } from '../access-logs/census.ts';
import { TimerHeap } from '../../core/structures/timer-heap.ts';

export const placements = ['together', 'scattered', 'apart'] as const;
export type Placement = (typeof placements)[number];

/** Takes the placed calls of one placement, in order of their times. */
export type TakePlaced = (call: LogCall, atMs: number) => void;

/** Calls with a longer gap between their bounds are never close to each other. */
const closeMs = 60;
/** A cluster ends after this time, or with this number of calls, even if further calls are close. */
const maxClusterMs = 5000;
const maxClusterCalls = 512;
/** Calls with at least this gap do not affect each other. */
const farMs = 2000;
const spacingSteps = 16;
/** Calls within this time of each other share a group in the placement `together`. */
const groupMs = 2;
/** Keeps a placed time below the latest time. */
const littleMs = 0.01;

interface Cluster {
  readonly firstMs: number;
  latestMs: number;
  readonly calls: LogCall[];
}

export class Placer {
  /** The open cluster of each user, in the order in which the clusters began. */
  readonly #clusters = new Map<string, Cluster>();
  readonly #placed: Record<Placement, TimerHeap<LogCall>> = {
    together: new TimerHeap(),
    scattered: new TimerHeap(),
    apart: new TimerHeap(),
  };
  readonly #take: Readonly<Record<Placement, TakePlaced>>;
  readonly #random: () => number;

  /** @param random returns numbers in [0, 1) */
  constructor(take: Readonly<Record<Placement, TakePlaced>>, random: () => number) {
    this.#take = take;
    this.#random = random;
  }

  /** Adds a call. Calls must come in order of their earliest times. */
  add(call: LogCall): void {
    const { user, earliestMs, latestMs } = call;
    this.#closeUntil(earliestMs - maxClusterMs);
    let cluster = this.#clusters.get(user);
    if (
      cluster !== undefined &&
      (earliestMs > cluster.latestMs + closeMs || cluster.calls.length >= maxClusterCalls)
    ) {
      this.#close(user, cluster);
      cluster = undefined;
    }
    if (cluster === undefined) {
      cluster = { firstMs: earliestMs, latestMs, calls: [] };
      this.#clusters.set(user, cluster);
    }
    cluster.calls.push(call);
    cluster.latestMs = Math.max(cluster.latestMs, latestMs);
  }

  /** Places all calls that are left. */
  end(): void {
    this.#closeUntil(Infinity);
  }

  /** Closes the clusters that began before this time. No further call can then come before it. */
  #closeUntil(atMs: number): void {
    for (const [user, cluster] of this.#clusters) {
      if (cluster.firstMs > atMs) break;
      this.#close(user, cluster);
    }
    for (const placement of placements) {
      const heap = this.#placed[placement];
      while (heap.nextAtMs <= atMs && heap.nextAtMs < Infinity) {
        const { item, atMs: placedMs } = heap.take();
        this.#take[placement](item, placedMs);
      }
    }
  }

  #close(user: string, { calls }: Cluster): void {
    this.#clusters.delete(user);
    const together = placedTogether(calls);
    const apart = placedApart(calls);
    calls.forEach((call, index) => {
      const { earliestMs, latestMs } = call;
      const scatteredMs = earliestMs + this.#random() * (latestMs - earliestMs);
      this.#placed.together.add(call, together[index] as number);
      this.#placed.scattered.add(call, scatteredMs);
      this.#placed.apart.add(call, apart[index] as number);
    });
  }
}

/** Returns a time for each call. The fewest possible instants have all calls. */
function placedTogether(calls: readonly LogCall[]): readonly number[] {
  const times: number[] = [];
  for (let from = 0; from < calls.length;) {
    let pointMs = Infinity;
    let to = from;
    for (let next = calls[to]; next !== undefined; next = calls[to]) {
      if (next.earliestMs > pointMs + groupMs) break;
      pointMs = Math.min(pointMs, latestOf(next));
      to += 1;
    }
    for (const { earliestMs } of calls.slice(from, to)) times.push(Math.max(earliestMs, pointMs));
    from = to;
  }
  return times;
}

/** Returns a time for each call. The least gap between two calls is as long as their bounds allow. */
function placedApart(calls: readonly LogCall[]): readonly number[] {
  let best = spaced(calls, 0);
  let [possibleMs, impossibleMs] = [0, farMs];
  for (let step = 0; step < spacingSteps; step += 1) {
    const spacingMs = (possibleMs + impossibleMs) / 2;
    const times = spaced(calls, spacingMs);
    if (times === undefined) impossibleMs = spacingMs;
    else [possibleMs, best] = [spacingMs, times];
  }
  return best ?? calls.map(({ earliestMs }) => earliestMs);
}

/** Returns the earliest times with this spacing, or `undefined` if the bounds do not allow it. */
function spaced(calls: readonly LogCall[], spacingMs: number): number[] | undefined {
  const times: number[] = [];
  let atMs = -Infinity;
  for (const call of calls) {
    atMs = Math.max(call.earliestMs, atMs + spacingMs);
    if (atMs > latestOf(call)) return undefined;
    times.push(atMs);
  }
  return times;
}

function latestOf({ earliestMs, latestMs }: LogCall): number {
  return Math.max(earliestMs, latestMs - littleMs);
}
