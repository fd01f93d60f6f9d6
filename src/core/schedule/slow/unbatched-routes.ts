/**
 * Routes that are sent unbatched for some time, because their calls are worse off in batches. A route is tried again
 * later. If it is worse off again, it stays away for twice as long.
 */
import type { UnbatchedRoutes } from '../policy.ts';

/** Why a route is sent unbatched. These are label values of a metric. */
export const leaveReasons = ['differs', 'errors', 'slower'] as const;
export type LeaveReason = (typeof leaveReasons)[number];

export interface LeftRoute {
  readonly route: string;
  readonly reason: LeaveReason;
  /** The time at which the route is tried again, in ms. */
  readonly untilMs: number;
}

const firstMs = 3_600_000;
const longestMs = 24 * firstMs;
const maxRoutes = 256;

interface Away extends LeftRoute {
  readonly forMs: number;
  /** Whether its return was reported. */
  isBack: boolean;
}

export class LeftRoutes implements UnbatchedRoutes {
  /** The routes in the order in which they left. Those that are back stay, so that a relapse is known. */
  readonly #away = new Map<string, Away>();

  leave(route: string, reason: LeaveReason, nowMs: number): LeftRoute {
    const before = this.#away.get(route);
    if (before !== undefined && before.untilMs > nowMs) return before;
    const forMs = before === undefined ? firstMs : Math.min(longestMs, before.forMs * 2);
    const left = { route, reason, untilMs: nowMs + forMs, forMs, isBack: false };
    this.#away.delete(route);
    const [oldest] = this.#away.keys();
    if (oldest !== undefined && this.#away.size >= maxRoutes) this.#away.delete(oldest);
    this.#away.set(route, left);
    return left;
  }

  isUnbatched(route: string, nowMs: number): boolean {
    if (this.#away.size === 0) return false;
    const left = this.#away.get(route);
    return left !== undefined && nowMs < left.untilMs;
  }

  /** The routes that are sent unbatched now. */
  current(nowMs: number): LeftRoute[] {
    return [...this.#away.values()].filter(({ untilMs }) => nowMs < untilMs);
  }

  /** Returns the routes that are tried again since the last call. */
  takeReturned(nowMs: number): LeftRoute[] {
    const returned = [...this.#away.values()].filter(
      (left) => !left.isBack && left.untilMs <= nowMs,
    );
    for (const left of returned) left.isBack = true;
    return returned;
  }
}
