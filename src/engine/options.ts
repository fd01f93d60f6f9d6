import type { Batch, UserMemory } from '../core/schedule/state.ts';
import type { Policy } from '../core/schedule/policy.ts';
import type { Upstream } from '../upstream/exchange.ts';
import type { Caller } from './caller.ts';
import type { Clock } from './clock.ts';
import type { EngineObserver } from './observer.ts';
import type { Ending } from '../core/answer/ending.ts';
import type { RequestWatch } from './request-watch.ts';

export interface EngineOptions {
  readonly policy: Policy;
  readonly maxInFlightPerUser: number;
  readonly maxConnections: number;
  readonly maxResponseBytes: number;
  readonly maxBufferedResponseBytes: number;
}

export interface EngineParts {
  readonly clock: Clock;
  readonly upstream: Upstream;
  /** Returns a new boundary that cannot be guessed. */
  readonly nextBoundary: () => string;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
  readonly observer: EngineObserver;
  readonly memory: UserMemory;
  /** Reports the end of each request. */
  readonly ended?: ((batch: Batch<Caller>, ending: Ending, nowMs: number) => void) | undefined;
  /** Has a watch while the page of the admin port is open. */
  readonly watch?: { readonly current: RequestWatch | undefined } | undefined;
}
