/** Derives objects from the settings in force. The parts of the proxy keep these objects, see `LiveSettings`. */
import type { DueGets } from '../core/priming/due-gets.ts';
import type { Policy } from '../core/schedule/policy.ts';
import { type ClassifyRules, pathPatterns } from '../core/ucwa/classify.ts';
import type { EngineOptions } from '../engine/options.ts';
import type { PassThroughLimits } from '../listen/pass-through-limits.ts';
import type { LiveSettings } from './live-settings.ts';
import type { Proof } from './proof.ts';

export function engineOptions(
  live: LiveSettings,
  expectedGets: DueGets | undefined,
  proof: Pick<Proof, 'routesFor'>,
): EngineOptions {
  const policy = live.derived(({ batching, limits, upstream }): Policy => ({
    ...batching,
    ...limits,
    timeoutMs: upstream.timeoutMs,
    mode: batching.mode === 'shadow' ? 'off' : batching.mode,
    expectedGets,
    unbatchedRoutes: proof.routesFor(batching),
  }));
  return live.derived(({ batching, limits, upstream }) => ({
    policy,
    maxInFlightPerUser: batching.maxInFlightPerUser,
    maxConnections: upstream.maxConnections,
    maxResponseBytes: limits.maxResponseBytes,
    maxBufferedResponseBytes: limits.maxBufferedResponseBytes,
  }));
}

export function classifyRules(live: LiveSettings): ClassifyRules {
  return live.derived(({ limits, batching }) => ({
    maxCallBytes: limits.maxCallBytes,
    never: pathPatterns(batching.never),
  }));
}

export function passThroughLimits(live: LiveSettings): PassThroughLimits {
  return live.derived(({ limits }) => ({
    maxPolls: limits.maxLongPolls,
    maxCalls: limits.maxQueuedCalls,
    maxCallsPerUser: limits.maxQueuedCallsPerUser,
    maxBytes: limits.maxQueuedBytes,
    maxBytesPerUser: limits.maxQueuedBytesPerUser,
  }));
}
