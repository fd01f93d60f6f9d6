/** Plays each traffic under each hold rule, with the real core in virtual time. */
import type { Policy } from '../../src/core/schedule/policy.ts';
import { LimitedPool, wayMs, type Slots } from './limited-pool.ts';
import { application, type Wish } from './played-call.ts';
import { tookMs, type Traffic } from './traffics.ts';

export interface Rule {
  readonly name: string;
  readonly policy: Partial<Policy>;
  readonly slots?: Slots;
}

export interface Outcome {
  /** Requests that batching saves the pool, as a share of the calls. */
  readonly saved: number;
  /** Latency that the proxy adds to a call, by holds and by slower calls in the same batch. */
  readonly paidMs: { readonly mean: number; readonly p50: number; readonly p95: number };
  /** The part of the mean that holds cause. */
  readonly meanHoldMs: number;
}

export const off: Rule = { name: 'off', policy: { mode: 'off' } };

export const fixed = (lingerMaxMs: number): Rule => ({
  name: `fixed, ${lingerMaxMs} ms`,
  policy: { mode: 'fixed', lingerMaxMs },
});

export const adaptive: Rule = { name: 'adaptive', policy: { mode: 'adaptive' } };

/** Sends what arrived during a user's request as soon as that request is answered. */
export const natural: Rule = {
  name: 'natural',
  policy: { mode: 'fixed', lingerMaxMs: 0, maxParts: 100 },
  slots: { perUser: 1, kept: true },
};

/** Time before the measurement, in which the core learns gaps and route latencies. */
const warmUpMs = 5000;

/** `share` is the share of the traffic's measured time to play. */
export function play(traffic: Traffic, { policy, slots }: Rule, share = 1): Outcome {
  const routeMs = (target: string): number => tookMs(traffic, target.slice(application.length + 1));
  const pool = new LimitedPool({ limit: () => 1000, routeMs, slots }, policy);
  let paidMs: number[] = [];
  let calls = 0;
  const ask = (user: string, wish: Wish, done?: () => void): void => {
    calls += 1;
    const directMs = tookMs(traffic, wish.path) + 2 * wayMs;
    pool.ask(
      user,
      (_ok, waitedMs) => {
        paidMs.push(waitedMs - directMs);
        done?.();
      },
      wish,
    );
  };
  traffic.start(pool, ask);
  pool.until(warmUpMs);
  paidMs = [];
  calls = 0;
  const { requests, failed, holdsMs } = pool.until(warmUpMs + traffic.measuredMs * share);
  if (failed > 0) throw new Error(`${failed} calls failed: ${traffic.name}`);
  paidMs.sort((a, b) => a - b);
  const at = (part: number): number => paidMs[Math.floor(paidMs.length * part)] ?? 0;
  return {
    saved: 1 - requests / calls,
    paidMs: { mean: mean(paidMs), p50: at(0.5), p95: at(0.95) },
    meanHoldMs: mean(holdsMs),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
