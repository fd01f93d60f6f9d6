/** Creates the parts of `batching.eventPriming` for one pool. */
import { DueGets } from '../core/priming/due-gets.ts';
import { systemClock } from '../engine/clock.ts';
import type { Engine } from '../engine/engine.ts';
import { AskedAhead } from '../listen/asked-ahead.ts';
import { EventPriming } from '../listen/event-priming.ts';
import { classifyRules } from './derived-settings.ts';
import type { Surroundings } from './surroundings.ts';

/** Returns `undefined` if the settings turn priming off, or if the shadow observes the calls. */
export function createDueGets({ settings }: Surroundings): DueGets | undefined {
  const { mode, eventPriming } = settings.batching;
  return eventPriming !== 'off' && mode !== 'shadow' ? new DueGets() : undefined;
}

export function createPriming(
  { settings, live, metrics, internalError }: Surroundings,
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
  const rules = classifyRules(live);
  const ahead =
    batching.eventPriming === 'ask' ? new AskedAhead({ ...parts, engine, rules }) : undefined;
  const asks = live.derived((now) => ({ isOn: now.batching.mode !== 'off' }));
  return new EventPriming({ ...parts, ahead, asks });
}
