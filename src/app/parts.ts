/** Creates the listener from the settings. */
import { PoolNames } from '../core/admit/pool-names.ts';
import { pathPatterns } from '../core/ucwa/classify.ts';
import { systemClock } from '../engine/clock.ts';
import { HeldEvents } from '../listen/held-events.ts';
import { HttpServer } from '../listen/http-server.ts';
import { LinkRewriter } from '../listen/link-rewriter.ts';
import { RequestHandler } from '../listen/request-handler.ts';
import { trust } from '../listen/trusted-peers.ts';
import { serverOf } from '../settings/pools.ts';
import type { Pool } from './pools.ts';
import type { Surroundings } from './surroundings.ts';

/** Creates the delay of events that overtake the answer to a POST; `undefined` if the settings turn it off. */
export function createHeldEvents({
  settings,
  metrics,
  internalError,
}: Surroundings): HeldEvents | undefined {
  if (!settings.batching.holdEvents) return undefined;
  return new HeldEvents({
    clock: systemClock,
    maxBytes: settings.limits.maxBufferedResponseBytes / 4,
    observer: { ...metrics.listen, internalError },
  });
}

/** The listener itself answers callers that wait this long after their deadline, in ms. */
const overdueAfterMs = 1000;

/** Creates the listener for clients, and the handler of their requests. */
export function createListener(
  { settings, metrics, log, renewals, internalError }: Surroundings,
  pools: readonly Pool[],
  heldEvents: HeldEvents | undefined,
): { readonly handler: RequestHandler; readonly server: HttpServer } {
  const { listen, upstream: pool, batching, limits } = settings;
  const isTrusted = trust(listen.trustedProxies);
  const names = new PoolNames(
    pools.map(({ settings: own }) => ({
      ...own,
      authority: serverOf(own).host,
      aliases: own.servers.map((server) => new URL(server).host),
    })),
  );
  const handler = new RequestHandler({
    pools: pools.map(
      ({ settings: { connectionAuth, batching: isBatched }, front, passThrough }) => ({
        engine: front,
        passThrough,
        connectionAuth,
        isBatched,
      }),
    ),
    heldEvents,
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
    links: new LinkRewriter({
      names,
      isTrusted,
      observer: metrics.listen,
      warn: (message, facts) => log.warn(message, facts),
    }),
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
      names,
      ...(listen.tls.cert === undefined ? {} : { tls: renewals.listen.current }),
    },
    handler,
  );

  return { handler, server };
}
