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
const maxClusterMs = 30_000;
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
  /** The number of groups in the placement `together`, by the number of their parts. */
  readonly #groups = new Map<number, number>();

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

  /** Returns the number of requests if each group of the placement `together` were sent at once. */
  fewestRequests(maxParts: number): number {
    let requests = 0;
    for (const [parts, groups] of this.#groups) requests += groups * Math.ceil(parts / maxParts);
    return requests;
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
    const together: number[] = [];
    for (const { calls: group, atMs } of groupsOf(calls)) {
      together.push(...group.map(({ earliestMs }) => Math.max(earliestMs, atMs)));
      const parts = partsOf(group);
      this.#groups.set(parts, (this.#groups.get(parts) ?? 0) + 1);
    }
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

/** Returns the fewest groups of calls that can arrive at about the same instant, and these instants. */
function groupsOf(
  calls: readonly LogCall[],
): Array<{ readonly calls: readonly LogCall[]; readonly atMs: number }> {
  const groups = [];
  for (let from = 0; from < calls.length;) {
    let atMs = Infinity;
    let to = from;
    for (let next = calls[to]; next !== undefined; next = calls[to]) {
      if (next.earliestMs > atMs + groupMs) break;
      atMs = Math.min(atMs, latestOf(next));
      to += 1;
    }
    groups.push({ calls: calls.slice(from, to), atMs });
    from = to;
  }
  return groups;
}

/** Returns the number of parts of a batch with these calls. Identical GETs share a part. */
function partsOf(calls: readonly LogCall[]): number {
  const shared = calls.filter(({ same }) => same !== '').map(({ same }) => same);
  return calls.length - shared.length + new Set(shared).size;
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
