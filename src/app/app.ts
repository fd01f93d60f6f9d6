/** The composition root. It creates all parts of the proxy, connects them, and starts them. */
import { AdminServer } from '../admin/admin-server.ts';
import { InvariantViolation } from '../core/invariants.ts';
import { systemClock } from '../engine/clock.ts';
import { ConnectionCounts } from '../listen/connection-counts.ts';
import type { Log } from '../log/log.ts';
import type { CheckTimes } from '../core/health/pool-health.ts';
import { createMetrics, type Metrics } from '../metrics/metrics.ts';
import { watchStalls } from '../metrics/stalls.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import type { Origins } from '../settings/origins.ts';
import type { PassThrough } from '../pass-through/pass-through.ts';
import { startRecording } from '../shadow/shadow-mode.ts';
import { collectRarely } from '../upstream/heap-growth.ts';
import { PageWatch } from '../page/watch.ts';
import { configReport } from './config-report.ts';
import { Health } from './health.ts';
import { LiveSettings } from './live-settings.ts';
import { createPage, watchedMetrics } from './page.ts';
import { createListener, createListening } from './parts.ts';
import { createPlainListener } from './plain-listener.ts';
import { Pools } from './pools.ts';
import { Proof } from './proof.ts';
import { createShutdown } from './shutdown.ts';
import type { Surroundings } from './surroundings.ts';
import { Switches } from './switches.ts';
import { watchTls } from './tls-watch.ts';
import { startTracing } from './tracing.ts';

export interface App {
  readonly ports: {
    readonly listen: number;
    readonly admin: number;
    /** Port of `listen.plain`. */
    readonly plain?: number | undefined;
  };
  /** The settings in force. They can change while the proxy runs. */
  readonly settings: LiveSettings;
  /** Stops in order, within the time that the settings give. Further calls return the same promise. */
  stop(): Promise<void>;
  /**
   * Stops at once, and answers the callers that wait.
   *
   * @param graceMs time for final responses before connections close
   */
  abort(graceMs?: number): Promise<void>;
}

export interface AppParts {
  readonly log: Log;
  readonly version: string;
  /**
   * Whether nothing else runs in this process. The app then watches the event loop, and controls garbage
   * collection.
   */
  readonly ownsProcess?: boolean;
  /** Interval between two checks of the TLS files, in ms. */
  readonly tlsCheckEveryMs?: number;
  /** Where the settings come from. Only `/config` shows it. */
  readonly origins?: Origins;
  /** Checks whether the pools can be reached. Without it there are none. */
  readonly poolChecks?: CheckTimes;
}

const checkEveryMs = 1000;
const summaryEveryMs = 600_000;
/** Much shorter than the time in which a replaced certificate and the old one are both valid. */
const tlsCheckEveryMs = 10_000;

/**
 * Starts the proxy. The promise resolves when the proxy serves, and rejects if it cannot listen on an
 * address.
 */
export async function startApp(settings: ServeSettings, parts: AppParts): Promise<App> {
  const { log, version } = parts;
  if (parts.ownsProcess === true) collectRarely();
  const live = new LiveSettings(settings, parts.origins ?? new Map());
  const renewals = watchTls(settings, log, () => server.renewTls(renewals.listen.current));
  const health = new Health({ settings, log, renewals, checks: parts.poolChecks });
  const metrics = createMetrics(version, {
    health,
    heldCalls: () => pools.sum(({ engine }) => engine.heldCalls) + handler.waitingCalls,
    outstandingCalls: () => pools.sum(({ engine }) => engine.outstandingCalls),
    users: () => pools.users,
    longPolls: () => passing((one) => one.openPolls()),
    clientConnections: () => counts.connections,
    upstreamConnections: () =>
      pools.sum(({ upstream }) => upstream.connections()) + passing((one) => one.openConnections()),
    boundConnections: () => passing((one) => one.boundConnections()),
    servers: () => pools.serverCounts,
    limits: () => ({ ...live.current.upstream, ...live.current.limits }),
    config: live,
    parity: () => proof.source,
    holdout: () => proof.holdout,
  });
  const internalError = reportInternalErrors(metrics, log);
  log.onWithheld(() => metrics.violated('nothing_shown'));
  const recorder = startRecording(
    settings,
    { ...metrics.trace, ended: (why) => log.warn(`the trace has ended: ${why}`) },
    systemClock.now(),
  );
  const tracing = await startTracing(settings, { log, version, metrics: metrics.spans });
  const watch = new PageWatch({
    now: systemClock.now,
    hashOf: log.hashUser,
    broke: (error) => log.failure('the page of the admin port broke, and is off', error),
  });
  const proof = new Proof(live, metrics, log);
  const surroundings: Surroundings = {
    ...{ settings, live, log, renewals, health, tracing, proof, internalError, watch },
    metrics: watchedMetrics(metrics, watch),
  };
  // The log changes first, because the pools look at its level.
  live.onChange(() => log.configure(live.current.log));
  const pools = new Pools(surroundings, recorder);
  live.onChange(() => health.follow(live.current));
  const { maxConnections } = settings.limits;
  const counts = new ConnectionCounts(maxConnections, Math.ceil(maxConnections / 2));
  const listening = createListening(surroundings, pools.all, counts);
  const { handler, server } = createListener(listening);
  let listenPort = 0;
  const hasTls = settings.listen.tls.cert !== undefined;
  const plain = createPlainListener(
    listening,
    () => (hasTls ? listenPort : undefined),
    pools.bodies,
  );
  /** Sums a number over the pass-through of each pool and of its plain servers. */
  const passing = (count: (one: PassThrough) => number): number =>
    [...pools.all.map(({ passThrough }) => passThrough), ...(plain?.passThroughs ?? [])].reduce(
      (sum, one) => sum + count(one),
      0,
    );
  const servers = [server, ...(plain ? [plain.server] : [])];
  const passThroughs = [pools, ...(plain?.passThroughs ?? [])];
  let ready = false;
  const { address, hosts, readyNeedsPool, tokenFile } = settings.admin;
  const switches = new Switches(live, log);
  const page = createPage(surroundings, pools, switches, version);
  const admin = new AdminServer({
    metrics,
    version,
    hosts,
    page,
    readiness: () => ({
      serving: ready,
      ...(readyNeedsPool && { pool_reachable: health.areReachable }),
    }),
    readinessDetails: () => health.lines(),
    servers: () => pools.serverReports,
    config: () => configReport(live, switches, proof),
    ...(tokenFile !== undefined && {
      switches: { tokenFile, apply: (path, query) => switches.apply(path, query) },
    }),
  });

  let adminPort: number;
  let plainPort: number | undefined;
  try {
    adminPort = await named('admin.address', admin.listen(address.host, address.port));
    listenPort = await named('listen.address', server.listen());
    if (plain) plainPort = await named('listen.plain', plain.server.listen());
  } catch (error) {
    pools.stopServers();
    for (const one of servers) one.destroy();
    await Promise.all([
      ...[server.close(), admin.stop(), tracing?.stop(0)],
      ...passThroughs.map((one) => one.stop()),
    ]);
    throw error;
  }
  ready = true;
  health.start();
  const summarize = (): void => {
    proof.summarize();
    for (const { shadow, settings: pool } of pools.all) {
      const name = pool.name === '' ? '' : ` of ${pool.name}`;
      if (shadow !== undefined) log.info(`shadow${name}: ${shadow.summary}`);
    }
  };
  const endTlsChecks = every(parts.tlsCheckEveryMs ?? tlsCheckEveryMs, () => renewals.check());
  const endChecks = every(checkEveryMs, () => {
    handler.checkWaiting();
    pools.checkOver();
    proof.check();
    recorder?.flush();
  });
  const endSummaries = every(summaryEveryMs, summarize);
  const stalls = parts.ownsProcess === true ? watchStalls(reportStalls(metrics, log)) : undefined;

  return {
    settings: live,
    ports: { listen: listenPort, admin: adminPort, plain: plainPort },
    ...createShutdown({
      drain: live.derived(({ drain }) => drain),
      servers,
      passThroughs,
      unready: () => (ready = false),
      sendHeld: () => pools.drain(),
      endCalls() {
        health.stop();
        endTlsChecks();
        endChecks();
        endSummaries();
        stalls?.stop();
        switches.stop();
        pools.stopServers();
        handler.endWaiting();
        pools.stopEngines();
        listening.heldEvents?.stop();
        summarize();
        pools.stopShadows();
      },
      close(leftMs) {
        page.stop();
        return Promise.all([
          ...passThroughs.map((one) => one.stop()),
          ...[admin.stop(), recorder?.stop(), tracing?.stop(leftMs)],
        ]);
      },
    }),
  };
}

/** Adds the name of the setting, and what to do, to the reason why the proxy cannot listen. */
async function named(setting: string, listening: Promise<number>): Promise<number> {
  try {
    return await listening;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === 'EADDRINUSE' ? '. Another program uses this port: choose another' : '';
    throw new Error(`${setting}: ${message}${advice}`, { cause: error });
  }
}

/** Runs the check at intervals until the returned function is called. The interval keeps no process alive. */
function every(ms: number, check: () => void): () => void {
  const timer = setInterval(check, ms).unref();
  return () => clearInterval(timer);
}

function reportInternalErrors(metrics: Metrics, log: Log): (error: unknown) => void {
  return (error) => {
    // An unexpected exception breaks the promise `keeps_running`.
    metrics.violated(error instanceof InvariantViolation ? error.code : 'keeps_running');
    log.failure('internal error', error);
  };
}

function reportStalls(metrics: Metrics, log: Log): (stallMs: number) => void {
  return (stallMs) => {
    metrics.violated('keeps_running');
    log.warn('the event loop stood still', { ms: Math.round(stallMs) });
  };
}
