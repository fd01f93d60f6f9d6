/**
 * The proxy's own parts, joined as `app/app.ts` joins them, with a fault planted in one part. Tests
 * check what the other parts do about the fault.
 */
import { randomUUID } from 'node:crypto';
import { InvariantViolation } from '../../src/core/invariants.ts';
import type { Batch, Call } from '../../src/core/schedule/state.ts';
import type { Policy } from '../../src/core/schedule/policy.ts';
import type { Caller } from '../../src/engine/caller.ts';
import { systemClock } from '../../src/engine/clock.ts';
import { Engine } from '../../src/engine/engine.ts';
import { HttpServer } from '../../src/listen/http-server.ts';
import type { HandlerParts, HandlerPool } from '../../src/listen/handler-parts.ts';
import { Newcomers } from '../../src/listen/newcomers.ts';
import { PassThroughLimiter } from '../../src/listen/pass-through-limits.ts';
import { RequestHandler } from '../../src/listen/request-handler.ts';
import { LinkRewriter } from '../../src/listen/link-rewriter.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { createUpstream } from '../../src/upstream/undici-upstream.ts';
import { noHealth } from './no-health.ts';
import { noProof } from './no-proof.ts';
import { onCleanup } from './cleanup.ts';
import { onePool } from './one-pool.ts';

type Submit = Engine['submit'];

export interface Tampering {
  /** Changes the policy of the scheduler. The guard sees the original `maxParts`. */
  readonly policy?: Partial<Policy>;
  readonly nextBoundary?: () => string;
  /** Replaces what the engine gets, and the result. */
  readonly submit?: (submit: Submit) => Submit;
  /** Runs as soon as the pool begins to answer a batch. */
  readonly onAnswer?: (batch: Batch<Caller>) => void;
  readonly handler?: Partial<HandlerParts>;
  readonly pool?: Partial<HandlerPool>;
}

export interface DoctoredProxy {
  readonly url: string;
  readonly port: number;
  readonly engine: Engine;
  readonly handler: RequestHandler;
  /** The calls that the engine accepted. */
  readonly calls: ReadonlyArray<Call<Caller>>;
  /** The series of `ucwa_proxy_invariant_violations_total` that are not 0. */
  violations(): Promise<Record<string, number>>;
}

const none = (): number => 0;

/** Starts a proxy with at most three calls per batch and a deadline of 1 s. */
export async function startDoctoredProxy(
  poolUrl: string,
  tampering: Tampering,
): Promise<DoctoredProxy> {
  const url = new URL(poolUrl);
  const metrics = createMetrics('0', {
    ...{ heldCalls: none, outstandingCalls: none, longPolls: none },
    ...{ clientConnections: none, upstreamConnections: none, boundConnections: none },
    users: () => ({ active: 0, idle: 0 }),
    health: noHealth,
    ...noProof,
    config: { hash: '0', loadedMs: 0, lastReload: { problems: [] } },
    servers: () => ({ active: 1, fallback: 0, trial: 0, ejected: 0 }),
    limits: () => ({}),
  });
  const internalError = (error: unknown): void =>
    metrics.violated(error instanceof InvariantViolation ? error.code : 'keeps_running');
  const upstream = createUpstream({
    url,
    maxConnections: 8,
    connectTimeoutMs: 1000,
    idleTimeoutMs: 1000,
    timeoutMs: 1000,
    tls: () => ({}),
    observer: { unsolicited: () => undefined, internalError },
  });
  const policy: Policy = {
    ...{ mode: 'fixed', lingerMaxMs: 1000, exchangeRateMs: 50, maxParts: 3, maxBytes: 262_144 },
    ...{ collapse: true, timeoutMs: 1000, maxUsers: 10 },
    ...{ maxQueuedCalls: 100, maxQueuedCallsPerUser: 100 },
    ...{ maxQueuedBytes: 1_000_000, maxQueuedBytesPerUser: 1_000_000 },
  };
  const { maxParts } = policy;
  const calls: Array<Call<Caller>> = [];
  const engine = new Engine(
    {
      policy,
      maxInFlightPerUser: 4,
      maxConnections: 8,
      maxResponseBytes: 1_000_000,
      maxBufferedResponseBytes: 1_000_000,
    },
    {
      clock: systemClock,
      upstream: {
        ...upstream,
        send: (request, handler) =>
          upstream.send(request, {
            head(status, reason, headers) {
              const batch = calls.find((call) => call.batch?.settled === false)?.batch;
              if (batch !== undefined) tampering.onAnswer?.(batch);
              handler.head(status, reason, headers);
            },
            data: (chunk) => handler.data(chunk),
            end: () => handler.end(),
            fault: (fault) => handler.fault(fault),
          }),
      },
      nextBoundary: tampering.nextBoundary ?? randomUUID,
      random: Math.random,
      memory: { size: 0, take: () => undefined, keep: () => undefined },
      observer: {
        ...metrics.engine,
        internalError,
        // The scheduler has formed the batch, and the guard is next.
        requestSent(newCalls) {
          Object.assign(policy, { maxParts });
          metrics.engine.requestSent(newCalls);
        },
      },
    },
  );
  Object.assign(policy, tampering.policy);
  const submit = tampering.submit?.((arrival) => engine.submit(arrival));
  const handledPool: HandlerPool = {
    engine: {
      submit(arrival) {
        const call = submit?.(arrival) ?? engine.submit(arrival);
        if (typeof call !== 'string') calls.push(call);
        return call;
      },
      cancel: (call) => engine.cancel(call),
      barrier: (user) => engine.barrier(user),
      passedThrough: (...passing) => engine.passedThrough(...passing),
    },
    passThrough: { reserve: () => true, forward: () => () => undefined },
    connectionAuth: 'refuse',
    isBatched: true,
    ...tampering.pool,
  };
  const passing = {
    maxPolls: 100,
    maxCalls: 100,
    maxCallsPerUser: 100,
    maxBytes: 1e6,
    maxBytesPerUser: 1e6,
  };
  const handler = new RequestHandler({
    pools: [handledPool],
    links: new LinkRewriter({
      names: { poolOf: () => undefined, find: () => undefined },
      isTrusted: () => false,
      observer: metrics.listen,
      warn: () => undefined,
    }),
    rules: { maxCallBytes: 65_536, never: undefined },
    maxBodyBytes: 1_000_000,
    newcomers: new Newcomers({
      newcomers: { maxAtOnce: 100, maxWaitingBytes: 1e6 },
      passing,
      maxUsers: 100,
    }),
    limiter: new PassThroughLimiter(passing),
    unread: { maxBytesEach: 1_000_000, maxBytes: 1_000_000 },
    isTrusted: () => false,
    accessLog: { wants: () => false, access: () => undefined },
    observer: { ...metrics.listen, internalError },
    now: () => systemClock.now(),
    longPollCounts: true,
    heldEvents: undefined,
    coding: undefined,
    timeoutMs: 1000,
    stallMs: 1000,
    keepAliveTimeoutMs: 5000,
    maxWaiting: 100,
    overdueMs: 2000,
    ...tampering.handler,
  });
  const server = new HttpServer(
    {
      ...{ host: '127.0.0.1', port: 0, maxConnections: 100, stallMs: 5000 },
      nameUser: (credentials) => credentials,
      ...{ keepAliveTimeoutMs: 5000, headersTimeoutMs: 5000, requestTimeoutMs: 5000 },
      names: onePool(url.host),
    },
    handler,
  );
  const port = await server.listen();
  onCleanup(async () => {
    engine.stop();
    void server.close();
    server.destroy();
    await upstream.stop();
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    engine,
    handler,
    calls,
    async violations() {
      const found: Record<string, number> = {};
      const series = /^ucwa_proxy_invariant_violations_total\{invariant="(\w+)"\} (\d+)$/gm;
      for (const [, name = '', count] of (await metrics.render()).matchAll(series)) {
        if (count !== '0') found[name] = Number(count);
      }
      return found;
    },
  };
}
