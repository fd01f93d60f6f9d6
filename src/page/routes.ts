/** The routes of the calls that went to the pool, with the times of their last answers. */

const keptSamples = 50;
const maxRoutes = 200;
const maxRows = 16;

interface SeenRoute {
  calls: number;
  isSlow: boolean;
  readonly tookMs: number[];
}

export interface RouteFrame {
  readonly route: string;
  readonly calls: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly lane: 'alone' | 'batched';
}

export class SeenRoutes {
  readonly #routes = new Map<string, SeenRoute>();

  /** @param tookMs the time from the dispatch to the answer */
  answered(name: string, isSlow: boolean, tookMs: number): void {
    const route = this.#routes.get(name) ?? { calls: 0, isSlow, tookMs: [] };
    // The route that was seen last comes last.
    this.#routes.delete(name);
    this.#routes.set(name, route);
    route.isSlow = isSlow;
    route.tookMs[route.calls % keptSamples] = tookMs;
    route.calls += 1;
    if (this.#routes.size > maxRoutes) {
      const oldest = this.#routes.keys().next().value;
      if (oldest !== undefined) this.#routes.delete(oldest);
    }
  }

  frame(): RouteFrame[] {
    return [...this.#routes]
      .sort(([, a], [, b]) => b.calls - a.calls)
      .slice(0, maxRows)
      .map(([route, { calls, isSlow, tookMs }]) => {
        const sorted = [...tookMs].sort((a, b) => a - b);
        const at = (share: number): number =>
          Math.round((sorted[Math.ceil(sorted.length * share) - 1] ?? 0) * 10) / 10;
        const lane = isSlow ? 'alone' : 'batched';
        return { route, calls, p50Ms: at(0.5), p95Ms: at(0.95), lane };
      });
  }
}
