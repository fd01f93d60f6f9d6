/** Random settings of the proxy, as environment variables. */
import type { Choice } from './random-choice.ts';

export interface RunSettings {
  readonly env: Readonly<Record<string, string>>;
  /** Deadline of a call that may be batched. */
  readonly timeoutMs: number;
  /** Longest silence of a call that is passed through. */
  readonly passThroughIdleMs: number;
  /** Limit for the connections of batches and single calls, and for those of pass-through. */
  readonly maxConnections: number;
}

export function randomSettings(choose: Choice): RunSettings {
  const timeoutMs = Math.round(choose.magnitude(1000, 8000));
  const passThroughIdleMs = Math.round(choose.magnitude(1000, 8000));
  // Few connections make each permit count.
  const maxConnections = choose.chance(0.5)
    ? choose.whole(2, 4)
    : Math.round(choose.magnitude(2, 64));
  const values: Record<string, string | number | boolean> = {
    UPSTREAM_TIMEOUT_MS: timeoutMs,
    UPSTREAM_PASS_THROUGH_IDLE_MS: passThroughIdleMs,
    UPSTREAM_MAX_CONNECTIONS: maxConnections,
    UPSTREAM_IDLE_TIMEOUT_MS: Math.round(choose.magnitude(100, 10_000)),
    UPSTREAM_CONNECT_TIMEOUT_MS: Math.round(choose.magnitude(100, 3000)),
    BATCHING_MODE: choose.of(['adaptive', 'adaptive', 'adaptive', 'fixed', 'off']),
    BATCHING_LINGER_MAX_MS: choose.whole(0, 40),
    BATCHING_MAX_PARTS: Math.round(choose.magnitude(1, 40)),
    BATCHING_MAX_IN_FLIGHT_PER_USER: choose.whole(1, 6),
    BATCHING_COLLAPSE: choose.chance(0.7),
    BATCHING_HOLD_EVENTS: choose.chance(0.7),
    BATCHING_EVENT_PRIMING: choose.of(['off', 'hold', 'ask']),
    LISTEN_COMPRESS: 'off',
    LIMITS_MAX_QUEUED_CALLS_PER_USER: choose.of([500, 500, 8]),
    DRAIN_DELAY_MS: 0,
    DRAIN_TIMEOUT_MS: choose.whole(0, 2000),
  };
  const env = Object.entries(values).map(([name, value]) => [`UCWA_PROXY_${name}`, String(value)]);
  return {
    env: Object.fromEntries(env) as Record<string, string>,
    timeoutMs,
    passThroughIdleMs,
    maxConnections,
  };
}
