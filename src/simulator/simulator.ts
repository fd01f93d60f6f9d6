/**
 * A simulated UCWA pool on a port of this machine: discovery and tokens, applications and their
 * resources, the event channel, batches, a limit on each user's outstanding calls; a ledger of what
 * ran; and faults on order. Behaviour follows Microsoft's UCWA documentation and captures of real
 * exchanges. It shares no code with the proxy, so that a mistake in one is not a mistake in both.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BatchRunner } from './server/batch-runner.ts';
import { CallRunner } from './resources/call-runner.ts';
import { Credentials } from './pool/credentials.ts';
import { Discovery } from './resources/discovery.ts';
import type { ChannelEvent } from './representation/event-set.ts';
import type { Counters } from './server/exchange.ts';
import { FaultScript } from './faults/fault-script.ts';
import { FrontDesk } from './server/router.ts';
import { HttpRim } from './server/http-server.ts';
import { type Latency, realisticLatency } from './pool/latency.ts';
import { Ledger } from './pool/request-log.ts';
import { Outstanding } from './pool/outstanding.ts';
import { Pool } from './pool/pool.ts';
import { guid, mulberry32 } from './pool/prng.ts';
import { applicationRoutes } from './resources/application-resource.ts';
import { communicationRoutes } from './resources/communication.ts';
import { meRoutes } from './resources/me.ts';
import { peopleRoutes } from './resources/people.ts';
import { photoRoutes } from './resources/photos.ts';
import { Routes } from './resources/routes.ts';
import { Timers } from './pool/timers.ts';

export interface SimulatorOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Of latencies and ids; default 1. */
  readonly seed?: number;
  /** Outstanding calls of one user; default 100. */
  readonly limit?: number;
  /** Default: some 8 to 60 ms, by route; search takes longer. */
  readonly latency?: Latency;
  /** Whether a parked poll of the event channel counts as an outstanding call; default false. */
  readonly longPollCounts?: boolean;
  /**
   * `created` (default): an id that was never handed out is not found. `any`: an application
   * springs into being for the user who names it first, and a conversation when it is first named,
   * unless it has been ended.
   */
  readonly applications?: 'created' | 'any';
  /** Base of the absolute links in discovery answers; default: `url`. */
  readonly publicUrl?: string;
  /**
   * Write each part of a batch answer as soon as it and all before it are done. Default false: the
   * whole answer at the end, as real servers do.
   */
  readonly streamParts?: boolean;
  /**
   * How many milliseconds a second of the event channel takes; default 1000. A small value makes
   * its timeouts (at least 180 seconds) short enough for tests.
   */
  readonly eventSecondMs?: number;
}

/** Counts since the start, unless said otherwise. */
type SimulatorStats = Readonly<Counters>;

export interface Simulator {
  readonly url: string;
  readonly port: number;
  readonly ledger: Ledger;
  readonly faults: FaultScript;
  /** Outstanding calls of one user, from now on. */
  setLimit(limit: number): void;
  /** So many places of the user's limit are taken by devices that nobody sees; 0 frees them. */
  occupy(user: string, calls: number): void;
  stats(): SimulatorStats;
  /** Puts events on the event channels of all the user's applications. */
  raise(user: string, ...events: readonly ChannelEvent[]): void;
  /** Ends all connections and waits, at whatever point they are. */
  stop(): Promise<void>;
}

/** Starts a simulator; rejects if the port cannot be had. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', seed = 1, latency = realisticLatency } = options;
  const { longPollCounts = false, streamParts = false, eventSecondMs = 1000 } = options;
  const timers = new Timers();
  const ledger = new Ledger();
  const faults = new FaultScript();
  const outstanding = new Outstanding(options.limit ?? 100);
  const counters: Counters = {
    requests: 0,
    batches: 0,
    parts: 0,
    refusedParts: 0,
    singles: 0,
    refused429: 0,
    connections: 0,
    openConnections: 0,
    parkedPolls: 0,
  };
  // Two sources, so that the number of ids drawn does not shift the latencies.
  const randomOfIds = mulberry32(seed);
  const randomOfLatencies = mulberry32(seed + 1);
  const latencyOf = (route: string) =>
    typeof latency === 'number' ? latency : latency(route, randomOfLatencies);
  const pause = (route: string) => timers.wait(latencyOf(route));

  const ids = options.applications ?? 'created';
  const pool = new Pool({ random: randomOfIds, timers, eventSecondMs, ids });
  const later = (then: () => void) => void pause('operation').then(then);
  const routes = new Routes([
    ...applicationRoutes(pool),
    ...meRoutes(pool),
    ...peopleRoutes(pool),
    ...communicationRoutes(pool, later),
    ...photoRoutes,
  ]);
  const runner = new CallRunner(routes, ledger, pause);
  const newBoundary = () => guid(randomOfIds);
  const batches = new BatchRunner({
    ...{ runner, outstanding, faults, timers, counters, newBoundary, streamParts },
  });

  const server = createServer({
    // Long polls and slow uploads are part of the game.
    requestTimeout: 0,
    headersTimeout: 0,
    keepAliveTimeout: 120_000,
  });
  server.on('connection', (socket) => {
    counters.connections++;
    counters.openConnections++;
    socket.once('close', () => counters.openConnections--);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

  const credentials = new Credentials(randomOfIds);
  const discovery = new Discovery(credentials, options.publicUrl ?? url);
  const desk = new FrontDesk({
    ...{ pool, credentials, discovery, ledger, outstanding, counters, runner, batches, pause },
    longPollCounts,
  });
  const rim = new HttpRim({ ledger, faults, timers, counters, desk });
  server.on('request', (request, response) => {
    rim.serve(request, response).catch((error: unknown) => {
      // The client left in the middle of its body; or this is a bug, which must not stay unseen.
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(error instanceof Error ? error.stack : undefined);
    });
  });

  return {
    url,
    port,
    ledger,
    faults,
    setLimit: (limit) => outstanding.setLimit(limit),
    occupy: (user, calls) => outstanding.occupy(user, calls),
    stats: () => ({ ...counters }),
    raise: (user, ...events) => {
      for (const event of events) pool.tellUser(pool.user(user), event);
    },
    stop: async () => {
      timers.stop();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}
