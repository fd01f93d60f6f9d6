import type { Batch, UserMemory } from '../core/schedule/state.ts';
import type { Policy } from '../core/schedule/policy.ts';
import type { Upstream } from '../upstream/exchange.ts';
import type { Caller } from './caller.ts';
import type { Clock } from './clock.ts';
import type { EngineObserver } from './observer.ts';
import type { Ending } from '../core/answer/ending.ts';

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
  /** Told of each request that is over. */
  readonly ended?: ((batch: Batch<Caller>, ending: Ending, nowMs: number) => void) | undefined;
}
