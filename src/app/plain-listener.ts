/**
 * The second listener, for plain HTTP (`listen.plain`). It redirects to https. A request to a pool with plain servers
 * passes through to one of them instead. This listener batches nothing.
 */
import { systemClock } from '../engine/clock.ts';
import { HttpServer, type HttpServerHandlers } from '../listen/http-server.ts';
import { LinkRewriter } from '../listen/link-rewriter.ts';
import { PlainRedirect } from '../listen/plain-redirect.ts';
import type { PassThrough } from '../pass-through/pass-through.ts';
import { spreadConnections } from '../pass-through/plain-servers.ts';
import { plainServerConnections } from '../settings/plain-servers.ts';
import { createHandler, listenerOptions, type Listening } from './parts.ts';
import { type Pool, passThroughTo } from './pools.ts';

export interface PlainListener {
  readonly server: HttpServer;
  /** One for each pool with plain servers. */
  readonly passThroughs: readonly PassThrough[];
}

/**
 * @param bodies counts the buffered bytes of the bodies of all listeners
 * @param tlsPort returns the port of the listener for https; `undefined` if another program terminates TLS
 * @returns `undefined` without `listen.plain`
 */
export function createPlainListener(
  listening: Listening,
  tlsPort: () => number | undefined,
  bodies: { bytes: number },
): PlainListener | undefined {
  const { surroundings, pools } = listening;
  const { settings, metrics, log } = surroundings;
  const { listen } = settings;
  if (listen.plain === undefined) return undefined;
  const redirect = new PlainRedirect({
    tlsPort,
    keepAliveTimeoutMs: listen.keepAliveTimeoutMs,
    observer: metrics.listen,
    accessLog: {
      // Each finished call is asked about, so the page sees all of them.
      wants(call) {
        surroundings.watch.calls.current?.finished(call);
        return log.wants(call);
      },
      access: (call, details) => log.access(call, details),
    },
    now: systemClock.now,
  });
  const byPool = pools.map((pool) => plainPassThrough(listening, pool, bodies));
  const handler = createHandler(
    listening,
    new LinkRewriter({ ...listening.linkParts, tlsPort }),
    pools.map(({ settings: own, frontFor, passThrough, priming }, i) => ({
      engine: frontFor(settings.batching),
      failed: (name) => surroundings.health.failed(byPool[i] === undefined ? i : undefined, name),
      passThrough: byPool[i] ?? passThrough,
      priming,
      connectionAuth: own.connectionAuth,
      isBatched: false,
    })),
  );
  const handlerOf = (pool: number): HttpServerHandlers =>
    byPool[pool] === undefined ? redirect : handler;
  const server = new HttpServer(
    { ...listenerOptions(listening), ...listen.plain },
    {
      handle: (exchange) => handlerOf(exchange.pool).handle(exchange),
      refuseExpectation: (exchange) => handlerOf(exchange.pool).refuseExpectation(exchange),
      refuseBody: (exchange) => handlerOf(exchange.pool).refuseBody(exchange),
      refused: (reason) => metrics.listen.refused(reason),
    },
  );
  return { server, passThroughs: byPool.filter((one) => one !== undefined) };
}

/** Returns the pass-through to the plain servers of a pool; `undefined` if it has none. */
function plainPassThrough(
  { surroundings }: Listening,
  pool: Pool,
  bodies: { bytes: number },
): PassThrough | undefined {
  const { plainServers } = pool.settings;
  if (plainServers.length === 0) return undefined;
  const { maxConnections } = surroundings.settings.upstream;
  return spreadConnections(
    plainServers.map((origin) =>
      passThroughTo(surroundings, {
        upstream: new URL(origin),
        maxConnections: plainServerConnections(maxConnections),
        bodies,
      }),
    ),
  );
}
