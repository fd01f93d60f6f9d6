import type { Policy } from '../core/schedule/policy.ts';
import type { UserMemory } from '../core/schedule/user.ts';
import type { Upstream } from '../upstream/exchange.ts';
import type { Clock } from './clock.ts';
import type { EngineObserver } from './observer.ts';

export interface EngineOptions {
  readonly policy: Policy;
  readonly maxInFlightPerUser: number;
  readonly maxConnections: number;
  readonly maxResponseBytes: number;
  readonly maxBufferedResponseBytes: number;
  /** Host and port of the pool, as `Host` says them. */
  readonly authority: string;
}

export interface EngineParts {
  readonly clock: Clock;
  readonly upstream: Upstream;
  /** A fresh boundary that nobody can guess. */
  readonly nextBoundary: () => string;
  /** In [0, 1). */
  readonly random: () => number;
  readonly observer: EngineObserver;
  readonly memory: UserMemory;
}
