/** The variations of the settings that `tune` compares. */
import type { ShadowOptions } from '../../core/shadow/shadow.ts';
import type { Settings } from '../../settings/schema.ts';

/** One set of settings. */
export interface Variant {
  readonly mode: 'adaptive' | 'fixed' | 'off';
  readonly lingerMaxMs: number;
  readonly maxParts: number;
  /** Whether these are the loaded settings, not a variation of them. */
  readonly isGiven: boolean;
}

const windowsMs = [2, 5, 10, 20];
const lingersMs = [2, 5, 10, 15, 20];
const caps = [5, 10, 20, 50];

/** Returns the variations to replay. `isGiven` marks the loaded settings, if batching is on. */
export function variants(given: Settings['batching']): Variant[] {
  const { maxParts, lingerMaxMs } = given;
  const made: Variant[] = [{ mode: 'off', lingerMaxMs: 0, maxParts, isGiven: false }];
  const add = (mode: Variant['mode'], linger: number, parts: number): void => {
    const isGiven =
      mode === (given.mode === 'fixed' ? 'fixed' : 'adaptive') &&
      linger === lingerMaxMs &&
      parts === maxParts;
    made.push({ mode, lingerMaxMs: linger, maxParts: parts, isGiven });
  };
  const including = (values: readonly number[], own: number): number[] =>
    [...new Set([...values, own])].sort((a, b) => a - b);
  for (const ms of given.mode === 'fixed' ? including(windowsMs, lingerMaxMs) : windowsMs) {
    add('fixed', ms, maxParts);
  }
  for (const ms of including(lingersMs, lingerMaxMs)) add('adaptive', ms, maxParts);
  for (const parts of caps) if (parts !== maxParts) add('adaptive', lingerMaxMs, parts);
  return made;
}

/** Returns the settings of the shadow for a variation. */
export function optionsOf(
  { batching, limits, upstream }: Settings,
  { mode, lingerMaxMs, maxParts }: Variant,
): ShadowOptions {
  const timeoutMs = upstream.timeoutMs;
  return {
    policy: { ...batching, ...limits, mode, share: 1, lingerMaxMs, maxParts, timeoutMs },
    maxInFlightPerUser: batching.maxInFlightPerUser,
    maxConnections: upstream.maxConnections,
  };
}
