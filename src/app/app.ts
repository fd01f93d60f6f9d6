/** The composition root: the only file that knows all parts. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AdminServer } from '../admin/admin-server.ts';
import { pathPatterns } from '../core/ucwa/classify.ts';
import type { Fault } from '../core/messages/fault.ts';
import { InvariantViolation } from '../core/invariants.ts';
import { systemClock } from '../engine/clock.ts';
import { Engine } from '../engine/engine.ts';
import { Following, type Follower } from '../shadow/call-observers.ts';
import { ShadowRun } from '../shadow/shadow-run.ts';
import { createUserMemory } from '../engine/user-memory.ts';
import { HttpServer } from '../listen/http-server.ts';
import { RequestHandler } from '../listen/request-handler.ts';
import { trust } from '../listen/trusted-peers.ts';
import type { Log } from '../log/log.ts';
import { TraceRecorder } from '../shadow/trace-recorder.ts';
import { createMetrics, type Metrics } from '../metrics/metrics.ts';
import { watchStalls } from '../metrics/stalls.ts';
import { createPassThrough, type PassThrough } from '../pass-through/pass-through.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import { watchTls } from '../settings/watch-tls.ts';
import { collectRarely } from '../upstream/heap-growth.ts';
import { createUpstream } from '../upstream/undici-upstream.ts';

export interface App {
  readonly ports: { readonly listen: number; readonly admin: number };
  /** Stops in order, within the time that the settings give; the same promise when asked again. */
  stop(): Promise<void>;
  /** Stops at once: who waits is told so. */
  abort(): Promise<void>;
}

export interface AppParts {
  readonly log: Log;
  readonly version: string;
  /** Nothing else runs in this process: when it stands still, and what its memory is for, is our doing. */
  readonly ownsProcess?: boolean;
  /** How often TLS files are looked at again. */
  readonly tlsCheckEveryMs?: number;
}

/** Polls are ended in so many steps, so that their clients do not come back all at once. */
const pollSteps = 20;
const shuttingDown: Fault = { phase: 'unsent', name: 'destination_unavailable' };
/** For last answers to leave before their connections are closed. */
const lastWordsMs = 100;
/** Beyond their deadline callers are answered by the rim itself. */
const overdueAfterMs = 1000;
const checkEveryMs = 1000;
const summaryEveryMs = 600_000;
/** Well within what replaced certificates overlap. */
const tlsCheckEveryMs = 10_000;

/** Serves from when the promise resolves. Rejects when an address cannot be listened at. */
export async function startApp(settings: ServeSettings, parts: AppParts): Promise<App> {
  const { log, version } = parts;
  if (parts.ownsProcess === true) collectRarely();
  const { listen, upstream: pool, batching, limits, drain } = settings;
  const url = new URL(pool.url);
  const renewals = watchTls(settings, log, () => server.renewTls(renewals.listen.current));

  const metrics = createMetrics(version, {
    heldCalls: () => engine.heldCalls + handler.waitingCalls,
    outstandingCalls: () => engine.outstandingCalls,
    users: () => engine.users,
    longPolls: () => passThrough.openPolls(),
    clientConnections: () => server.connections,
    upstreamConnections: () => upstream.connections() + passThrough.openConnections(),
    boundConnections: () => passThrough.boundConnections(),
  });
  const internalError = (error: unknown): void => {
    // An exception that nobody expected is one that input must not cause.
    metrics.violated(error instanceof InvariantViolation ? error.code : 'keeps_running');
    log.failure('internal error', error);
  };
  log.onWithheld(() => metrics.violated('nothing_shown'));

  const recorder = startRecording(settings, metrics, log);
  const connectionObserver = {
    unsolicited: () => metrics.engine.protocolError('unsolicited'),
    internalError,
  };
  const upstream = createUpstream({
    url,
    maxConnections: pool.maxConnections,
    connectTimeoutMs: pool.connectTimeoutMs,
    idleTimeoutMs: pool.idleTimeoutMs,
    timeoutMs: pool.timeoutMs,
    tls: renewals.upstream,
    observer: connectionObserver,
  });
  const passThrough = createPassThrough({
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
  });
  const { mode } = batching;
  const isFollowed = mode === 'shadow' || recorder !== undefined;
  const policy = { ...batching, ...limits, timeoutMs: pool.timeoutMs };
  const bounds = {
    maxInFlightPerUser: batching.maxInFlightPerUser,
    maxConnections: pool.maxConnections,
  };
  const remembered = { maxUsers: limits.maxUsers, idleMs: limits.userIdleMs };
  const engine = new Engine(
    {
      policy: { ...policy, mode: mode === 'shadow' ? 'off' : mode },
      ...bounds,
      maxResponseBytes: limits.maxResponseBytes,
      maxBufferedResponseBytes: limits.maxBufferedResponseBytes,
      authority: url.host,
    },
    {
      clock: systemClock,
      upstream,
      nextBoundary: randomUUID,
      random: Math.random,
      memory: createUserMemory(remembered),
      observer: { ...metrics.engine, internalError },
      ended: isFollowed ? (...told) => following.ended(...told) : undefined,
    },
  );
  const shadow =
    mode !== 'shadow'
      ? undefined
      : new ShadowRun(
          { policy: { ...policy, mode: 'adaptive' }, ...bounds },
          {
            clock: systemClock,
            memory: createUserMemory(remembered),
            random: Math.random,
            report: metrics.shadow,
            broke: (error) => log.failure('the shadow broke, and is off', error),
          },
        );
  const followers: Follower[] = [shadow, recorder].filter((one) => one !== undefined);
  const following = new Following(engine, followers, systemClock);
  const isTrusted = trust(listen.trustedProxies);
  const handler = new RequestHandler({
    engine: isFollowed ? following : engine,
    passThrough,
    authority: url.host,
    rules: { maxCallBytes: limits.maxCallBytes, never: pathPatterns(batching.never) },
    maxBodyBytes: limits.maxQueuedBytes,
    maxUsers: limits.maxUsers,
    maxNewcomersAtOnce: Math.max(Math.ceil(pool.maxConnections / 2), batching.maxParts),
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
    now: () => systemClock.now(),
    longPollCounts: limits.longPollCounts,
    timeoutMs: pool.timeoutMs,
    stallMs: pool.timeoutMs,
    keepAliveTimeoutMs: listen.keepAliveTimeoutMs,
    maxWaiting: limits.maxQueuedCalls,
    overdueMs: pool.timeoutMs + overdueAfterMs,
    observer: {
      ...metrics.listen,
      internalError,
      finished(call) {
        metrics.listen.finished(call);
        log.access(call);
      },
    },
  });
  const server = new HttpServer(
    {
      ...listen.address,
      keepAliveTimeoutMs: listen.keepAliveTimeoutMs,
      headersTimeoutMs: listen.headersTimeoutMs,
      requestTimeoutMs: listen.requestTimeoutMs,
      maxConnections: limits.maxConnections,
      maxConnectionsPerAddress: Math.ceil(limits.maxConnections / 2),
      maxPipelined: limits.maxQueuedCalls,
      isTrustedPeer: (socket) => isTrusted({ socket }),
      stallMs: pool.timeoutMs,
      ...(listen.tls.cert === undefined ? {} : { tls: renewals.listen.current }),
    },
    {
      request: (exchange) => handler.handle(exchange),
      expectation: (exchange) => handler.refuseExpectation(exchange),
      refused: (reason) => metrics.listen.refused(reason),
    },
  );
  const stood = (stallMs: number): void => {
    metrics.violated('keeps_running');
    log.warn('the event loop stood still', { ms: Math.round(stallMs) });
  };
  let ready = false;
  const { hosts } = settings.admin;
  const admin = new AdminServer({ metrics, version, hosts, readiness: () => ({ serving: ready }) });

  const adminPort = await admin.listen(settings.admin.address.host, settings.admin.address.port);
  const listenPort = await server.listen().catch(async (error: unknown) => {
    await Promise.all([admin.stop(), passThrough.stop(), upstream.stop()]);
    throw error;
  });
  ready = true;
  const everyMs = parts.tlsCheckEveryMs ?? tlsCheckEveryMs;
  const tlsChecks = setInterval(() => renewals.check(), everyMs).unref();
  const checks = setInterval(() => {
    handler.checkWaiting();
    following.checkOver();
    recorder?.flush();
  }, checkEveryMs).unref();
  const summaries = setInterval(() => summarize(), summaryEveryMs).unref();
  const stalls = parts.ownsProcess === true ? watchStalls(stood) : undefined;

  const summarize = (): void => {
    if (shadow !== undefined) log.info(`shadow: ${shadow.summary}`);
  };
  const end = async (): Promise<void> => {
    clearInterval(tlsChecks);
    clearInterval(checks);
    clearInterval(summaries);
    stalls?.stop();
    handler.endWaiting();
    engine.stop();
    summarize();
    shadow?.stop();
    passThrough.endPolls(1, shuttingDown);
    passThrough.endWaiting();
    await delay(lastWordsMs);
    server.destroy();
    await Promise.all([passThrough.stop(), upstream.stop(), admin.stop(), recorder?.stop()]);
  };
  const cut = new AbortController();
  const stopInOrder = async (): Promise<void> => {
    ready = false;
    server.drain();
    await pause(drain.delayMs, cut.signal);
    const closed = server.close();
    // Who signals a second time does not wait for what is held: it is not sent any more.
    if (!cut.signal.aborted) following.drain();
    void endPollsEvenly(passThrough, drain.timeoutMs / 2, cut.signal);
    await Promise.race([closed, pause(drain.timeoutMs, cut.signal)]);
    cut.abort();
    await end();
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopInOrder());
  return {
    ports: { listen: listenPort, admin: adminPort },
    stop,
    abort() {
      cut.abort();
      return stop();
    },
  };
}

/** @throws when the file cannot be written */
function startRecording({ record }: ServeSettings, metrics: Metrics, log: Log) {
  const ended = (why: string): void => log.warn(`the trace has ended: ${why}`);
  const observer = { ...metrics.trace, ended };
  return record.file === undefined
    ? undefined
    : new TraceRecorder({ ...record, file: record.file }, observer, systemClock.now());
}

async function endPollsEvenly(
  passThrough: PassThrough,
  withinMs: number,
  cut: AbortSignal,
): Promise<void> {
  for (let left = pollSteps; left > 0; left -= 1) {
    passThrough.endPolls(1 / left, shuttingDown);
    await pause(withinMs / pollSteps, cut);
  }
}

/** Ends early when it is cut short. */
async function pause(ms: number, cut: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: cut }).catch(() => undefined);
}
