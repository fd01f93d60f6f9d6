/**
 * The lines of level `debug`: each request to the pool, and each decision of the scheduler that changes what is sent.
 * Without this level the engine is not observed for them. The level can change while the proxy runs.
 */
import type { Ending } from '../core/answer/ending.ts';
import type { Batch } from '../core/schedule/state.ts';
import type { Caller } from '../engine/caller.ts';
import type { EngineObserver } from '../engine/observer.ts';
import type { EngineParts } from '../engine/options.ts';
import type { Debug, Log } from '../log/log.ts';
import type { LiveSettings } from './live-settings.ts';

/** Returns the parts of the engine of a pool. They are observed while the log shows lines of level `debug`. */
export function debugged(
  parts: EngineParts,
  log: Pick<Log, 'debug'>,
  live: Pick<LiveSettings, 'onChange'>,
): EngineParts {
  // The engine keeps these two objects. A change of the level replaces the functions in them.
  const observer = { ...parts.observer };
  const observed = { ...parts, observer };
  const observe = (): void => {
    const { debug } = log;
    const functions = debug === undefined ? parts : debuggedParts(parts, debug);
    Object.assign(observer, functions.observer);
    observed.ended = functions.ended;
  };
  if (log.debug !== undefined) observe();
  live.onChange(observe);
  return observed;
}

function debuggedParts(
  { observer, ended }: EngineParts,
  debug: Debug,
): Pick<EngineParts, 'observer' | 'ended'> {
  return {
    observer: debuggedObserver(observer, debug),
    ended(batch, ending, nowMs) {
      ended?.(batch, ending, nowMs);
      debug('request', requestFacts(batch, ending, nowMs), batch.user.name);
    },
  };
}

function debuggedObserver(observer: EngineObserver, debug: Debug): EngineObserver {
  return {
    ...observer,
    requeued(reason, calls) {
      observer.requeued(reason, calls);
      debug('calls wait again', { reason, calls });
    },
    split(depth, sizes) {
      observer.split(depth, sizes);
      debug('a refused batch was split', { depth, sizes: sizes.join('+') });
    },
    learnedLimit(limit) {
      observer.learnedLimit(limit);
      debug('learned limit', { limit: Math.round(limit * 10) / 10 });
    },
    retried(reason, outcome) {
      observer.retried(reason, outcome);
      debug('a call was sent again', { reason, outcome });
    },
    lateBatch() {
      observer.lateBatch();
      debug('a batch is late', {});
    },
    protocolError(kind) {
      observer.protocolError(kind);
      debug('an answer is malformed', { kind });
    },
  };
}

/** The facts of a request that has ended. `batch` is the same number as in the access lines of its calls. */
function requestFacts(batch: Batch<Caller>, ending: Ending, nowMs: number) {
  return {
    batch: batch.id,
    parts: batch.calls.length,
    class: batch.callClass,
    flush: batch.flushReason,
    outstanding: batch.outstanding,
    ms: Math.round((nowMs - batch.sentAtMs) * 10) / 10,
    ...outcomeFacts(batch, ending),
    ...(batch.server === undefined ? {} : { server: batch.server }),
  };
}

function outcomeFacts({ status }: Batch<Caller>, ending: Ending) {
  switch (ending.kind) {
    case 'complete':
      return status === undefined ? { outcome: 'complete' } : { outcome: 'complete', status };
    case 'relay':
      return { outcome: 'relayed', status: ending.reply.status };
    case 'failure': {
      const { cause, fault } = ending;
      return { outcome: 'failed', cause, reason: fault.name, phase: fault.phase };
    }
  }
}
