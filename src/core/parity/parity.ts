/**
 * Parity: whether batches change the answers. It counts the comparisons by route and by kind of difference, and says
 * which routes must leave batches. It keeps no answer.
 */
import type { Comparison } from './comparison.ts';
import { type DifferenceKind, differenceKinds } from './fingerprint.ts';
import { OddOneOut, upperBound } from './sequential.ts';

/** The share of answers that may differ. */
const mostDiffering = 0.001;
const maxRoutes = 256;

/** The counts of one route, which the answer of `/config` shows. */
export interface RouteParity {
  readonly route: string;
  readonly same: number;
  readonly differs: number;
  readonly noisy: number;
  /** The differences by kind. */
  readonly kinds: Readonly<Partial<Record<DifferenceKind, number>>>;
}

interface Counts {
  same: number;
  differs: number;
  noisy: number;
  readonly kinds: Partial<Record<DifferenceKind, number>>;
  odd: OddOneOut;
}

export class Parity {
  readonly #routes = new Map<string, Counts>();
  /** The comparisons since a route last left or came back. Before that, other routes were in batches. */
  #compared = 0;
  #differing = 0;

  /** Returns whether the route must leave batches. */
  add(route: string, comparison: Comparison): boolean {
    const counts = this.#of(route);
    const { outcome, kinds, odd } = comparison;
    counts[outcome] += 1;
    for (const kind of kinds) counts.kinds[kind] = (counts.kinds[kind] ?? 0) + 1;
    if (outcome !== 'noisy') this.#compared += 1;
    if (outcome === 'differs') this.#differing += 1;
    if (odd !== undefined) counts.odd.add(odd === 'batched');
    return counts.odd.isProved;
  }

  /** A route left batches, or came back. What was known of the answers in batches is of other routes. */
  changed(route: string): void {
    const counts = this.#routes.get(route);
    if (counts !== undefined) counts.odd = new OddOneOut();
    this.#compared = 0;
    this.#differing = 0;
  }

  get compared(): number {
    return this.#compared;
  }

  /** The share of differing answers is below it, with a confidence of 95 %. */
  get upperBound(): number {
    return upperBound(this.#compared, this.#differing);
  }

  /** Whether the answers differ seldom enough, with a confidence of 95 %. */
  get isProved(): boolean {
    return this.upperBound <= mostDiffering;
  }

  /** What is known of the answers from batches, in one sentence. */
  get sentence(): string {
    const [n, differing] = [this.#compared, this.#differing];
    if (n === 0) return 'no answer from a batch was compared yet';
    const bound = this.isProved ? mostDiffering : this.upperBound;
    const percent = Number((bound * 100).toPrecision(2));
    const shown = `n = ${n}${differing === 0 ? '' : `, of which ${differing} differed`}`;
    return `the answer from a batch differs in less than ${percent} % with 95 % confidence, ${shown}`;
  }

  /** The routes in the order of their first comparisons. */
  routes(): RouteParity[] {
    return Array.from(this.#routes, ([route, { same, differs, noisy, kinds }]) => {
      const known = differenceKinds.flatMap((kind) => {
        const count = kinds[kind];
        return count === undefined ? [] : [[kind, count] as const];
      });
      return { route, same, differs, noisy, kinds: Object.fromEntries(known) };
    });
  }

  #of(route: string): Counts {
    const known = this.#routes.get(route);
    if (known !== undefined) return known;
    const [oldest] = this.#routes.keys();
    if (oldest !== undefined && this.#routes.size >= maxRoutes) this.#routes.delete(oldest);
    const counts = { same: 0, differs: 0, noisy: 0, kinds: {}, odd: new OddOneOut() };
    this.#routes.set(route, counts);
    return counts;
  }
}
