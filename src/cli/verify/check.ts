import type { World } from './world.ts';

/**
 * - `as believed`: the pool does what the proxy relies on.
 * - `different`: the pool does something else.
 * - `failed`: the check got no answer.
 * - `not known`: the check did not run, or its answer decides nothing.
 */
export type Verdict = 'as believed' | 'different' | 'failed' | 'not known';

/** Settings of the proxy that a check decides, by key. */
export interface ProvedSettings {
  readonly 'batching.mode'?: 'adaptive' | 'off';
  readonly 'batching.maxParts'?: number;
  readonly 'batching.maxBytes'?: number;
  readonly 'batching.never'?: readonly string[];
  readonly 'limits.longPollCounts'?: boolean;
  readonly 'upstream.connectionAuth'?: 'refuse' | 'bind';
  readonly 'upstream.tls.ca'?: string;
}

/**
 * The result of a check. No text contains a value from the pool, except numbers, statuses and words of closed
 * lists, so that a report shows no secret.
 */
export interface Finding {
  readonly verdict: Verdict;
  readonly seen: string;
  /** The consequence for an operator. */
  readonly means?: string;
  readonly settings?: ProvedSettings;
}

export interface Check {
  readonly id: string;
  /** The question that the check asks. */
  readonly asks: string;
  /** The answer that the proxy relies on. */
  readonly believes: string;
  /** The flag that allows the check. Without a flag, the check only reads. */
  readonly needs?: 'write' | 'find-limit';
  /** Whether the check needs batches that were accepted and can be paired. */
  readonly needsBatches?: true;
  run(world: World): Promise<Finding>;
}

export function asBelieved(seen: string, more: Partial<Finding> = {}): Finding {
  return { verdict: 'as believed', seen, ...more };
}

export function different(seen: string, means: string, settings?: ProvedSettings): Finding {
  return { verdict: 'different', seen, means, ...(settings === undefined ? {} : { settings }) };
}

export function notKnown(seen: string): Finding {
  return { verdict: 'not known', seen };
}

/** The settings for a pool that batches cannot serve. */
export const unbatched: ProvedSettings = { 'batching.mode': 'off' };
