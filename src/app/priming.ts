/** Creates the parts of `batching.eventPriming` for one pool. */
import { DueGets } from '../core/priming/due-gets.ts';
import { pathPatterns } from '../core/ucwa/classify.ts';
import { systemClock } from '../engine/clock.ts';
import type { Engine } from '../engine/engine.ts';
import { AskedAhead } from '../listen/asked-ahead.ts';
import { EventPriming } from '../listen/event-priming.ts';
import type { Surroundings } from './surroundings.ts';

/** Returns `undefined` if the settings turn priming off, or if no call is held for others anyway. */
export function createDueGets({ settings }: Surroundings): DueGets | undefined {
  const { mode, eventPriming } = settings.batching;
  const holds = mode === 'adaptive' || mode === 'fixed';
  return eventPriming !== 'off' && holds ? new DueGets() : undefined;
}

export function createPriming(
  { settings, metrics, internalError }: Surroundings,
  dueGets: DueGets | undefined,
  engine: Engine,
): EventPriming | undefined {
  if (dueGets === undefined) return undefined;
  const { batching, limits } = settings;
  const parts = {
    clock: systemClock,
    dueGets,
    maxBytes: limits.maxBufferedResponseBytes / 8,
    observer: { ...metrics.listen, internalError },
  };
  const rules = { maxCallBytes: limits.maxCallBytes, never: pathPatterns(batching.never) };
  const ahead =
    batching.eventPriming === 'ask' ? new AskedAhead({ ...parts, engine, rules }) : undefined;
  return new EventPriming({ ...parts, ahead });
}
