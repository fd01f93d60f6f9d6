/**
 * The comparison of users with batches and of users without (`batching.share`). A hash of the user decides, so the two
 * groups differ in nothing else. A user without companions counts as a user with batches all the same.
 */
import type { LeaveReason } from '../schedule/slow/unbatched-routes.ts';
import { blockIndex, type Block, Group, RouteGroup } from './group.ts';
import { differenceOf, type Interval } from './interval.ts';

export const groupNames = ['batched', 'direct'] as const;
export type GroupName = (typeof groupNames)[number];

/** The figures of a group. These are label values of a metric. */
export const measures = ['requests', 'p50', 'p95', 'errors', 'bytes'] as const;
export type Measure = (typeof measures)[number];

/** One line of the table. */
export interface HoldoutRow {
  readonly measure: Measure;
  readonly batched: number;
  readonly direct: number;
  /** Batched minus direct, with a confidence of 95 %; `undefined` while too few users are known. */
  readonly difference: Interval | undefined;
}

/** A finished call of a user. */
export interface HoldoutCall {
  /** The point of the user, see `pointOf`. */
  readonly point: number;
  readonly route: string;
  readonly durationMs: number;
  readonly isError: boolean;
}

/** Requests and bytes for each call, p50 and p95 in ms, errors as a share of the calls. */
const figures: Readonly<Record<Measure, (block: Block) => number>> = {
  requests: ({ requests, calls }) => requests / Math.max(1, calls),
  p50: ({ durations }) => durations.quantileMs(0.5),
  p95: ({ durations }) => durations.quantileMs(0.95),
  errors: ({ errors, calls }) => errors / Math.max(1, calls),
  bytes: ({ bytes, calls }) => bytes / Math.max(1, calls),
};

const maxRoutes = 256;
/** Number of calls before the first judgment of a route. Each further judgment waits until this number has doubled. */
const firstJudgedAt = 1024;
/** The probability that a route which is no worse is ever judged to be worse. The judgments share it. */
const falseVerdict = 0.02;
/** What a batch may cost beside the hold: a share of the mean duration, and a share of calls with errors. */
const mostSlower = 0.25;
const mostErrors = 0.002;

interface Route {
  calls: number;
  judgedAt: number;
  judgments: number;
  readonly groups: Readonly<Record<GroupName, RouteGroup>>;
}

export class Holdout {
  readonly #share: number;
  readonly #groups = { batched: new Group(), direct: new Group() };
  readonly #routes = new Map<string, Route>();

  /** @param share see `batching.share` */
  constructor(share: number) {
    this.#share = share;
  }

  /**
   * A call was answered.
   *
   * @param mostHeldMs the time that a hold may take, see `batching.lingerMaxMs`
   * @returns why the route must leave batches; `undefined` if it may stay
   */
  answered(call: HoldoutCall, mostHeldMs: number): LeaveReason | undefined {
    const { point, durationMs, isError } = call;
    const name = this.#groupOf(point);
    const block = this.#groups[name].blockOf(point);
    block.calls += 1;
    block.durations.add(durationMs);
    if (isError) block.errors += 1;
    const route = this.#routeOf(call.route);
    route.groups[name].add(blockIndex(point), durationMs, isError);
    route.calls += 1;
    return route.calls < route.judgedAt ? undefined : judged(route, mostHeldMs);
  }

  /** A request of a user was sent to the pool. */
  requested(point: number): void {
    this.#groups[this.#groupOf(point)].blockOf(point).requests += 1;
  }

  /** Bytes of requests of a user, and of their answers, were transferred. */
  transferred(point: number, bytes: number): void {
    this.#groups[this.#groupOf(point)].blockOf(point).bytes += bytes;
  }

  /** A route left batches, or came back. Its earlier calls say nothing about its later ones. */
  changed(route: string): void {
    this.#routes.delete(route);
  }

  total(name: GroupName): Block {
    return this.#groups[name].total();
  }

  table(): HoldoutRow[] {
    const [batched, direct] = [this.total('batched'), this.total('direct')];
    return measures.map((measure) => {
      const figure = figures[measure];
      return {
        measure,
        batched: figure(batched),
        direct: figure(direct),
        difference: differenceOf(
          this.#groups.batched.values(figure),
          this.#groups.direct.values(figure),
          0.05,
        ),
      };
    });
  }

  #groupOf(point: number): GroupName {
    return point < this.#share ? 'batched' : 'direct';
  }

  #routeOf(name: string): Route {
    const known = this.#routes.get(name);
    if (known !== undefined) return known;
    const [oldest] = this.#routes.keys();
    if (oldest !== undefined && this.#routes.size >= maxRoutes) this.#routes.delete(oldest);
    const groups = { batched: new RouteGroup(), direct: new RouteGroup() };
    const route = { calls: 0, judgedAt: firstJudgedAt, judgments: 0, groups };
    this.#routes.set(name, route);
    return route;
  }
}

/** Judgment k of a route has 1/k - 1/(k+1) of the probability of a false verdict. The sum over all k is 1. */
function judged(route: Route, mostHeldMs: number): LeaveReason | undefined {
  const { batched, direct } = route.groups;
  route.judgments += 1;
  route.judgedAt *= 2;
  const probability = falseVerdict / (route.judgments * (route.judgments + 1));
  // Only one side of each of two intervals is looked at.
  const errors = differenceOf(batched.errorShares, direct.errorShares, probability);
  if (errors !== undefined && errors.low > mostErrors) return 'errors';
  const directMs = direct.meansMs;
  const slower = differenceOf(batched.meansMs, directMs, probability);
  if (slower === undefined) return undefined;
  const meanMs = directMs.reduce((sum, ms) => sum + ms, 0) / directMs.length;
  return slower.low > mostHeldMs + mostSlower * meanMs ? 'slower' : undefined;
}

/** The table in words: a measure, its values with and without batches, and the bounds of the difference, if known. */
export function holdoutCells(
  table: readonly HoldoutRow[],
): ReadonlyArray<readonly [label: string, batched: string, direct: string, difference: string]> {
  return table.map(({ measure, batched, direct, difference }) => [
    labels[measure],
    format(measure, batched),
    format(measure, direct),
    difference === undefined
      ? ''
      : `${format(measure, difference.low)} to ${format(measure, difference.high)}`,
  ]);
}

/** The table as one sentence. */
export function holdoutSentence(table: readonly HoldoutRow[]): string {
  const shown = holdoutCells(table).map(([label, batched, direct, difference]) => {
    const values = `${label} ${batched} against ${direct}`;
    return difference === '' ? values : `${values} (difference ${difference})`;
  });
  const isKnown = table.some(({ difference }) => difference !== undefined);
  const confidence = isKnown ? '95 % confidence' : 'too few users for a confidence';
  return `users with batches against users without: ${shown.join(', ')}; ${confidence}`;
}

const labels: Readonly<Record<Measure, string>> = {
  requests: 'requests for each call',
  p50: 'p50',
  p95: 'p95',
  errors: 'errors',
  bytes: 'bytes for each call',
};

function format(measure: Measure, value: number): string {
  switch (measure) {
    case 'requests':
      return value.toFixed(2);
    case 'p50':
    case 'p95':
      return `${value.toFixed(1)} ms`;
    case 'errors':
      return `${(value * 100).toFixed(2)} %`;
    case 'bytes':
      return value.toFixed(0);
  }
}
