/** Creates the parts of the proxy from the settings. */
import { randomUUID } from 'node:crypto';
import { pathPatterns } from '../core/ucwa/classify.ts';
import { systemClock } from '../engine/clock.ts';
import { Engine } from '../engine/engine.ts';
import type { EngineOptions, EngineParts } from '../engine/options.ts';
import { createUserMemory } from '../engine/user-memory.ts';
import { HttpServer } from '../listen/http-server.ts';
import { RequestHandler } from '../listen/request-handler.ts';
import { trust } from '../listen/trusted-peers.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { createPassThrough, type PassThrough } from '../pass-through/pass-through.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import { callObservers, startShadow } from '../shadow/shadow-mode.ts';
import { ObservedEngine } from '../shadow/call-observers.ts';
import type { ShadowRun } from '../shadow/shadow-run.ts';
import type { TraceRecorder } from '../shadow/trace-recorder.ts';
import type { Upstream } from '../upstream/exchange.ts';
import { createUpstream } from '../upstream/undici-upstream.ts';
import type { TlsWatch } from './tls-watch.ts';

/** The settings, and the parts that most other parts use. */
export interface Surroundings {
  readonly settings: ServeSettings;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly renewals: TlsWatch;
  readonly internalError: (error: unknown) => void;
}

export interface Pool {
  readonly upstream: ReturnType<typeof createUpstream>;
  readonly passThrough: PassThrough;
}

/** The two clients of the pool: one for batches and single requests, one for pass-through calls. */
export function createPool({ settings, metrics, renewals, internalError }: Surroundings): Pool {
  const { upstream: pool, limits } = settings;
  const url = new URL(pool.url);
  const connectionObserver = {
    unsolicited: () => metrics.engine.protocolError('unsolicited'),
    internalError,
  };
  return {
    upstream: createUpstream({
      url,
      maxConnections: pool.maxConnections,
      connectTimeoutMs: pool.connectTimeoutMs,
      idleTimeoutMs: pool.idleTimeoutMs,
      timeoutMs: pool.timeoutMs,
      tls: renewals.upstream,
      observer: connectionObserver,
    }),
    passThrough: createPassThrough({
      upstream: url,
      maxConnections: pool.maxConnections,
      connectTimeoutMs: pool.connectTimeoutMs,
      idleSocketTimeoutMs: pool.idleTimeoutMs,
      idleTimeoutMs: pool.passThroughIdleMs,
      maxBodyBytes: limits.maxQueuedBytes / 4,
      bound: {
        maxConnections: pool.maxBoundConnections,
        idleSocketTimeoutMs: pool.boundIdleMs,
        maxAgeMs: pool.boundMaxAgeMs,
      },
      tls: renewals.upstream,
      observer: connectionObserver,
    }),
  };
}

export interface Engines {
  readonly engine: Engine;
  /** The engine behind its call observers. */
  readonly observedEngine: ObservedEngine;
  /** The one of the two that the listener uses. */
  readonly front: Engine | ObservedEngine;
  readonly shadow: ShadowRun | undefined;
}

/** Creates the engine, and the shadow and the recording that observe its calls. */
export function createEngines(
  { settings, metrics, log, internalError }: Surroundings,
  upstream: Upstream,
  recorder: TraceRecorder | undefined,
): Engines {
  const { upstream: pool, batching, limits } = settings;
  const url = new URL(pool.url);
  const { mode } = batching;
  const isObserved = mode === 'shadow' || recorder !== undefined;
  const policy = { ...batching, ...limits, timeoutMs: pool.timeoutMs };
  const bounds = {
    maxInFlightPerUser: batching.maxInFlightPerUser,
    maxConnections: pool.maxConnections,
  };
  const remembered = { maxUsers: limits.maxUsers, idleMs: limits.userIdleMs };
  const options: EngineOptions = {
    policy: { ...policy, mode: mode === 'shadow' ? 'off' : mode },
    ...bounds,
    maxResponseBytes: limits.maxResponseBytes,
    maxBufferedResponseBytes: limits.maxBufferedResponseBytes,
    authority: url.host,
  };
  const parts: EngineParts = {
    clock: systemClock,
    upstream,
    nextBoundary: randomUUID,
    random: Math.random,
    memory: createUserMemory(remembered),
    observer: { ...metrics.engine, internalError },
    ended: isObserved ? (...told) => observedEngine.ended(...told) : undefined,
  };
  const engine = new Engine(options, parts);
  const shadow = startShadow(
    settings,
    { policy, ...bounds },
    {
      clock: systemClock,
      memory: createUserMemory(remembered),
      random: Math.random,
      report: metrics.shadow,
      broke: (error) => log.failure('the shadow broke, and is off', error),
    },
  );
  const observedEngine = new ObservedEngine(engine, callObservers(shadow, recorder), systemClock);
  return { engine, observedEngine, front: isObserved ? observedEngine : engine, shadow };
}

/** The listener itself answers callers that wait this long after their deadline, in ms. */
const overdueAfterMs = 1000;

/** Creates the listener for clients, and the handler of their requests. */
export function createListener(
  { settings, metrics, log, renewals, internalError }: Surroundings,
  front: Engines['front'],
  passThrough: PassThrough,
): { readonly handler: RequestHandler; readonly server: HttpServer } {
  const { listen, upstream: pool, batching, limits } = settings;
  const url = new URL(pool.url);
  const isTrusted = trust(listen.trustedProxies);
  const handler = new RequestHandler({
    engine: front,
    passThrough,
    authority: url.host,
    rules: { maxCallBytes: limits.maxCallBytes, never: pathPatterns(batching.never) },
    maxBodyBytes: limits.maxQueuedBytes,
    maxUsers: limits.maxUsers,
    newcomers: {
      maxAtOnce: Math.max(Math.ceil(pool.maxConnections / 2), batching.maxParts),
      maxWaitingBytes: limits.maxQueuedBytes / 4,
    },
    passing: {
      maxPolls: limits.maxLongPolls,
      maxCalls: limits.maxQueuedCalls,
      maxCallsPerUser: limits.maxQueuedCallsPerUser,
      maxBytes: limits.maxQueuedBytes,
      maxBytesPerUser: limits.maxQueuedBytesPerUser,
    },
    unread: {
      maxBytesEach: limits.maxResponseBytes,
      maxBytes: limits.maxBufferedResponseBytes,
    },
    isTrusted,
    connectionAuth: pool.connectionAuth,
    now: systemClock.now,
    longPollCounts: limits.longPollCounts,
    timeoutMs: pool.timeoutMs,
    stallMs: pool.timeoutMs,
    keepAliveTimeoutMs: listen.keepAliveTimeoutMs,
    maxWaiting: limits.maxQueuedCalls,
    overdueMs: pool.timeoutMs + overdueAfterMs,
    accessLog: log,
    observer: { ...metrics.listen, internalError },
  });

  const server = new HttpServer(
    {
      ...listen.address,
      keepAliveTimeoutMs: listen.keepAliveTimeoutMs,
      headersTimeoutMs: listen.headersTimeoutMs,
      requestTimeoutMs: listen.requestTimeoutMs,
      maxConnections: limits.maxConnections,
      nameUser: log.nameUser,
      maxConnectionsPerAddress: Math.ceil(limits.maxConnections / 2),
      maxPipelined: limits.maxQueuedCalls,
      isTrustedPeer: (socket) => isTrusted({ socket }),
      stallMs: pool.timeoutMs,
      ...(listen.tls.cert === undefined ? {} : { tls: renewals.listen.current }),
    },
    handler,
  );

  return { handler, server };
}
