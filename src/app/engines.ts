/** Creates the engine of each pool, and what observes its calls. */
import { randomUUID } from 'node:crypto';
import type { UserMemory } from '../core/schedule/state.ts';
import { systemClock } from '../engine/clock.ts';
import { Engine } from '../engine/engine.ts';
import type { EngineParts } from '../engine/options.ts';
import type { EventPriming } from '../listen/event-priming.ts';
import type { Verifier } from '../parity/verifier.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import { callObservers, startShadow } from '../shadow/shadow-mode.ts';
import { ObservedEngine } from '../shadow/call-observers.ts';
import type { ShadowRun } from '../shadow/shadow-run.ts';
import type { TraceRecorder } from '../shadow/trace-recorder.ts';
import type { Upstream } from '../upstream/exchange.ts';
import { debugged } from './debug-log.ts';
import { engineOptions } from './derived-settings.ts';
import { createDueGets, createPriming } from './priming.ts';
import { verifies } from './proof.ts';
import type { Surroundings } from './surroundings.ts';

type Batching = ServeSettings['batching'];

/** The engine of a pool. It holds everything that the proxy learns about the pool. */
export interface PoolEngines {
  readonly engine: Engine;
  /** The engine, wrapped by its call observers. */
  readonly observedEngine: ObservedEngine;
  /** Returns the part that the listener calls: the engine, or what observes its calls. */
  readonly frontFor: (batching: Batching) => Engine | ObservedEngine | Verifier;
  /** Compares answers of batches with direct ones, while the settings want that. */
  readonly verifier: Verifier;
  readonly shadow: ShadowRun | undefined;
  /** `undefined` if `batching.eventPriming` is off. */
  readonly priming: EventPriming | undefined;
}

/** The engines of all pools share these objects. */
export interface SharedByEngines {
  readonly recorder: TraceRecorder | undefined;
  readonly memory: UserMemory;
  readonly shadowMemory: UserMemory;
}

/** Creates the engine of a pool, and the shadow and the recording that observe its calls. */
export function createEngines(
  surroundings: Surroundings,
  upstream: Upstream,
  place: number,
  { recorder, memory, shadowMemory }: SharedByEngines,
): PoolEngines {
  const { settings, live, metrics, log, health, tracing, proof, internalError } = surroundings;
  const traced = tracing?.requests();
  const { upstream: connections, batching, limits } = settings;
  const { mode } = batching;
  const isObserved = mode === 'shadow' || recorder !== undefined;
  const policy = { ...batching, ...limits, timeoutMs: connections.timeoutMs };
  const dueGets = createDueGets(surroundings);
  const bounds = {
    maxInFlightPerUser: batching.maxInFlightPerUser,
    maxConnections: connections.maxConnections,
  };
  const options = engineOptions(live, dueGets, proof);
  const observed = inTurn(
    isObserved ? (...told) => observedEngine.ended(...told) : undefined,
    traced?.ended,
  );
  const endedFor = (now: Batching): EngineParts['ended'] =>
    inTurn(observed, verifies(now) ? (batch) => verifier.ended(batch) : undefined);
  const parts: EngineParts = {
    clock: systemClock,
    upstream: proof.measured(upstream),
    nextBoundary: randomUUID,
    random: Math.random,
    memory,
    watch: surroundings.watch.requestsTo(place),
    observer: {
      ...metrics.engine,
      ...(traced && { tracedSent: traced.tracedSent }),
      internalError,
      callLate: () => health.failed(place, 'http_response_timeout'),
    },
    ended: endedFor(batching),
  };
  live.keep(parts, ({ batching: now }) => ({ ended: endedFor(now) }));
  const engine = new Engine(options, debugged(parts, log, live));
  const verifier = proof.createVerifier(engine);
  live.onChange(() => engine.optionsChanged());
  const shadow = startShadow(
    settings,
    { policy, ...bounds },
    {
      clock: systemClock,
      memory: shadowMemory,
      random: Math.random,
      report: metrics.shadow,
      broke: (error) => log.failure('the shadow broke, and is off', error),
    },
  );
  const observedEngine = new ObservedEngine(engine, callObservers(shadow, recorder), systemClock);
  const priming = createPriming(surroundings, dueGets, engine);
  const front = isObserved ? observedEngine : engine;
  const frontFor = (now: Batching): ReturnType<PoolEngines['frontFor']> =>
    verifies(now) && !isObserved ? verifier : front;
  return { engine, observedEngine, frontFor, verifier, shadow, priming };
}

/** Returns a function that calls both; `undefined` if there is none to call. */
function inTurn(first: EngineParts['ended'], second: EngineParts['ended']): EngineParts['ended'] {
  if (first === undefined || second === undefined) return first ?? second;
  return (...told) => {
    first(...told);
    second(...told);
  };
}
