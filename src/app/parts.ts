/** Creates the listener from the settings, and what all listeners share. */
import { PoolNames } from '../core/admit/pool-names.ts';
import { systemClock } from '../engine/clock.ts';
import type { FaultName } from '../core/messages/fault.ts';
import type { ConnectionCounts } from '../listen/connection-counts.ts';
import { AnswerCoding } from '../listen/answer-coding.ts';
import { HeldEvents } from '../listen/held-events.ts';
import { HttpServer, type HttpServerOptions } from '../listen/http-server.ts';
import { isSafeForHttp2 } from '../listen/http2/safe-version.ts';
import { type LinkParts, LinkRewriter } from '../listen/link-rewriter.ts';
import type { HandlerParts, HandlerPool } from '../listen/handler-parts.ts';
import { Newcomers } from '../listen/newcomers.ts';
import { PassThroughLimiter } from '../listen/pass-through-limits.ts';
import { RequestHandler } from '../listen/request-handler.ts';
import { trust } from '../listen/trusted-peers.ts';
import { namedPools } from './named-pools.ts';
import { classifyRules, passThroughLimits } from './derived-settings.ts';
import type { Pool } from './pools.ts';
import type { Surroundings } from './surroundings.ts';

/** The listener itself answers callers that wait this long after their deadline, in ms. */
const overdueAfterMs = 1000;
const hasSafeHttp2 = isSafeForHttp2(process.versions['nghttp2']);

/** The parts that all listeners share. */
export interface Listening {
  readonly surroundings: Surroundings;
  readonly pools: readonly Pool[];
  readonly counts: ConnectionCounts;
  readonly names: PoolNames;
  readonly linkParts: LinkParts;
  readonly newcomers: Newcomers;
  readonly limiter: PassThroughLimiter;
  /** Delays events that overtake the answer to a POST; `undefined` if the settings turn it off. */
  readonly heldEvents: HeldEvents | undefined;
  /** Codes answers; `undefined` if the settings turn it off. */
  readonly coding: AnswerCoding | undefined;
}

export function createListening(
  surroundings: Surroundings,
  pools: readonly Pool[],
  counts: ConnectionCounts,
): Listening {
  const { settings, live, metrics, log, internalError } = surroundings;
  const names = new PoolNames(namedPools(settings));
  live.onChange(() => names.replace(namedPools(live.current)));
  const linkParts: LinkParts = {
    names,
    isTrusted: trust(settings.listen.trustedProxies),
    observer: metrics.listen,
    warn: (message, facts) => log.warn(message, facts),
  };
  const heldEvents = settings.batching.holdEvents
    ? new HeldEvents({
        clock: systemClock,
        maxBytes: settings.limits.maxBufferedResponseBytes / 4,
        observer: { ...metrics.listen, internalError },
      })
    : undefined;
  const { limits, batching, upstream } = settings;
  const coding =
    settings.listen.compress === 'auto'
      ? new AnswerCoding({
          maxBytesEach: limits.maxResponseBytes,
          maxBytes: limits.maxBufferedResponseBytes / 4,
        })
      : undefined;
  const passing = passThroughLimits(live);
  const newcomers = new Newcomers({
    newcomers: {
      maxAtOnce: Math.max(Math.ceil(upstream.maxConnections / 2), batching.maxParts),
      maxWaitingBytes: limits.maxQueuedBytes / 4,
    },
    passing,
    maxUsers: limits.maxUsers,
  });
  const limiter = new PassThroughLimiter(passing);
  return { surroundings, pools, counts, names, linkParts, newcomers, limiter, heldEvents, coding };
}

/** Creates the listener for clients, and the handler of their requests. */
export function createListener(listening: Listening): {
  readonly handler: RequestHandler;
  readonly server: HttpServer;
} {
  const { settings, live, renewals, health } = listening.surroundings;
  const handler = createHandler(
    listening,
    new LinkRewriter(listening.linkParts),
    listening.pools.map(({ settings: own, frontFor, passThrough, priming }, place) =>
      live.derived(({ batching }) => ({
        engine: frontFor(batching),
        passThrough,
        priming,
        failed: (name: FaultName) => health.failed(place, name),
        connectionAuth: own.connectionAuth,
        isBatched: own.batching,
      })),
    ),
  );
  reportOldNode(listening.surroundings);
  const hasTls = settings.listen.tls.cert !== undefined;
  const http2 = settings.listen.http2 && hasSafeHttp2;
  const tls = hasTls ? { tls: renewals.listen.current, http2 } : {};
  return { handler, server: new HttpServer({ ...listenerOptions(listening), ...tls }, handler) };
}

/** Reports that the settings ask for HTTP/2, and that this Node is too old for it. */
function reportOldNode({ settings: { listen }, log }: Surroundings): void {
  const hasTls = listen.tls.cert !== undefined;
  if (hasSafeHttp2 || !(hasTls ? listen.http2 : listen.h2c)) return;
  const what = 'HTTP/2 is off: clients could crash this version of Node; use Node 24 or later';
  const facts = { nghttp2: process.versions['nghttp2'] ?? 'none', advisory: 'CVE-2026-27135' };
  if (hasTls) log.info(what, facts);
  else log.warn(what, facts);
}

/** Creates the handler of the requests of a listener. */
export function createHandler(
  { surroundings, heldEvents, coding, newcomers, limiter }: Listening,
  links: LinkRewriter,
  pools: readonly HandlerPool[],
): RequestHandler {
  const { settings, live, metrics, log, tracing, proof, internalError } = surroundings;
  const { listen, upstream, limits } = settings;
  const observer = proof.observer({ ...metrics.listen, internalError });
  const parts: HandlerParts = {
    tracer: tracing?.calls,
    pools,
    links,
    heldEvents,
    coding,
    rules: classifyRules(live),
    maxBodyBytes: limits.maxQueuedBytes,
    newcomers,
    limiter,
    unread: {
      maxBytesEach: limits.maxResponseBytes,
      maxBytes: limits.maxBufferedResponseBytes,
    },
    isTrusted: trust(listen.trustedProxies),
    now: systemClock.now,
    longPollCounts: limits.longPollCounts,
    timeoutMs: upstream.timeoutMs,
    stallMs: upstream.timeoutMs,
    keepAliveTimeoutMs: listen.keepAliveTimeoutMs,
    maxWaiting: limits.maxQueuedCalls,
    overdueMs: upstream.timeoutMs + overdueAfterMs,
    accessLog: log,
    watch: surroundings.watch.calls,
    observer: tracing?.listenObserver(observer) ?? observer,
  };
  live.keep(parts, (now) => ({
    longPollCounts: now.limits.longPollCounts,
    maxWaiting: now.limits.maxQueuedCalls,
  }));
  return new RequestHandler(parts);
}

/** The options that all listeners have in common, without TLS. */
export function listenerOptions({ surroundings, counts, names }: Listening): HttpServerOptions {
  const { settings, log } = surroundings;
  const { listen, limits, upstream } = settings;
  const isTrusted = trust(listen.trustedProxies);
  return {
    ...listen.address,
    keepAliveTimeoutMs: listen.keepAliveTimeoutMs,
    headersTimeoutMs: listen.headersTimeoutMs,
    requestTimeoutMs: listen.requestTimeoutMs,
    maxConnections: limits.maxConnections,
    counts,
    nameUser: log.nameUser,
    names,
    maxPipelined: limits.maxQueuedCalls,
    maxUnfinishedHeadBytes: limits.maxQueuedBytes / 4,
    isTrustedPeer: (socket) => isTrusted({ socket }),
    stallMs: upstream.timeoutMs,
    http2: listen.h2c && hasSafeHttp2,
  };
}
