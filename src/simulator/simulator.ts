/**
 * A simulated UCWA pool on a port of this machine. The pool has discovery and tokens, applications and
 * their resources, event channels, batches, and a limit on each user's outstanding calls. A ledger
 * records the calls that ran. A fault script makes requests fail.
 *
 * The behavior follows Microsoft's UCWA documentation and captures of real exchanges. The simulator
 * shares no code with the proxy, so that no mistake is in both.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BatchRunner } from './server/batch-runner.ts';
import { CallRunner } from './resources/call-runner.ts';
import { ConnectionSignIn } from './sign-in/connection-sign-in.ts';
import { Credentials } from './sign-in/credentials.ts';
import { Discovery } from './sign-in/discovery.ts';
import { Origins } from './sign-in/origins.ts';
import { Sites, type SiteUrls } from './sign-in/sites.ts';
import { FrontEnd, type ServerCertificate } from './server/front-end.ts';
import type { ChannelEvent } from './representation/event-set.ts';
import type { Counters } from './server/exchange.ts';
import { FaultScript } from './faults/fault-script.ts';
import { Router } from './server/router.ts';
import { HttpEdge } from './server/http-server.ts';
import { type Latency, realisticLatency } from './pool/latency.ts';
import { Ledger } from './pool/request-log.ts';
import { Outstanding } from './pool/outstanding.ts';
import { domain, Pool } from './pool/pool.ts';
import { guid, mulberry32 } from './pool/prng.ts';
import { applicationRoutes } from './resources/application-resource.ts';
import { communicationRoutes } from './resources/communication/communication.ts';
import { fixedRoutes } from './resources/fixed-resources.ts';
import { meRoutes } from './resources/me.ts';
import { onlineMeetingRoutes } from './resources/online-meetings.ts';
import { contactRoutes } from './resources/people/contacts.ts';
import { groupRoutes } from './resources/people/groups.ts';
import { subscriptionRoutes } from './resources/people/subscriptions.ts';
import { photoRoutes } from './resources/photos.ts';
import { Routes } from './resources/routes.ts';
import { Timers } from './pool/timers.ts';

export interface SimulatorOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Makes the servers speak HTTPS. Default: plain HTTP. */
  readonly tls?: ServerCertificate;
  /** Time after which a server closes an idle connection; default 120 s, as IIS. Node adds one second. */
  readonly keepAliveTimeoutMs?: number;
  /** Seed of latencies and ids; default 1. */
  readonly seed?: number;
  /** Maximum number of outstanding calls of one user; default 100. */
  readonly limit?: number;
  /** Latency in ms. Default: about 8 to 60 ms by route, and longer for search. */
  readonly latency?: Latency;
  /** Whether a parked poll of the event channel counts as an outstanding call; default false. */
  readonly longPollCounts?: boolean;
  /**
   * `created` (default): an unknown application id gets 404. `any`: the first request with an unknown
   * id creates the application for its user. Conversations work in the same way. An id that was ended
   * stays unknown.
   */
  readonly applications?: 'created' | 'any';
  /** Base of the absolute links in discovery answers; default: `url`. */
  readonly publicUrl?: string;
  /** Base URL of a host with nothing but discovery, which redirects to `publicUrl`. */
  readonly discoveryUrl?: string;
  /** Base URL of the site with the applications; default: `publicUrl`. */
  readonly homeUrl?: string;
  /** Origins of web pages that may call the pool, or `*`. Default: no CORS, any `X-Ms-Origin`. */
  readonly origins?: readonly string[];
  /** Number of servers, on consecutive ports if `port` is set; default 1. They share all state. */
  readonly servers?: number;
  /**
   * Whether to write each part of a batch answer as soon as this part and all earlier ones are done.
   * Default false: write the whole answer at the end, as real servers do.
   */
  readonly streamParts?: boolean;
  /** Whether answers are compressed for clients that accept gzip; default true. */
  readonly compress?: boolean;
  /** Whether a part must name the host of its batch, or else gets 403; default false. */
  readonly strictPartHosts?: boolean;
  /**
   * Duration of one second of the event channel, in ms; default 1000. A small value makes its
   * timeouts (at least 180 seconds) short enough for tests.
   */
  readonly eventSecondMs?: number;
}

/** Counts since the start; `openConnections` and `parkedPolls` are current values. */
type SimulatorStats = Readonly<Counters>;

export interface Simulator {
  readonly url: string;
  readonly port: number;
  readonly ledger: Ledger;
  readonly faults: FaultScript;
  /** The servers of the pool. `url` and `port` are those of the first one. */
  readonly servers: readonly FrontEnd[];
  /** Changes the addresses in absolute links. */
  setSites(urls: SiteUrls): void;
  /** Changes the limit on outstanding calls of one user. */
  setLimit(limit: number): void;
  /** Reserves `calls` of the user's limit, as if other devices made these calls; 0 frees them. */
  occupy(user: string, calls: number): void;
  stats(): SimulatorStats;
  /** Publishes events on the event channels of all applications of the user. */
  raise(user: string, ...events: readonly ChannelEvent[]): void;
  /** Closes all connections and cancels all timers. */
  stop(): Promise<void>;
}

/** Starts a simulator; rejects if it cannot listen on the port. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', seed = 1, latency = realisticLatency } = options;
  const { longPollCounts = false, streamParts = false, eventSecondMs = 1000 } = options;
  const { strictPartHosts = false, compress = true } = options;
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
  // Ids and latencies have separate sources, so that a new id does not change later latencies.
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
    ...fixedRoutes,
    ...groupRoutes(pool),
    ...subscriptionRoutes(pool),
    ...contactRoutes(pool),
    ...communicationRoutes(pool, later),
    ...onlineMeetingRoutes(pool),
    ...photoRoutes,
  ]);
  const runner = new CallRunner(routes, ledger, pause);
  const newBoundary = () => guid(randomOfIds);
  const batches = new BatchRunner({
    ...{ runner, outstanding, faults, timers, counters, newBoundary, streamParts, strictPartHosts },
    compress,
  });

  const credentials = new Credentials(randomOfIds);
  let sites: Sites | undefined;
  const currentSites = () => (sites ??= new Sites({ publicUrl: url(), ...given(options) }));
  const origins = new Origins(options.origins);
  const discovery = new Discovery(credentials, currentSites);
  const router = new Router({
    ...{ pool, credentials, discovery, ledger, outstanding, counters, runner, batches, pause },
    ...{ longPollCounts, origins, sites: currentSites },
  });
  const newSignIn = () => new ConnectionSignIn(randomOfIds);
  const edge = new HttpEdge({
    ...{ ledger, faults, timers, counters, router, origins, newSignIn, compress },
  });
  const serve = (request: IncomingMessage, response: ServerResponse, name: string) => {
    edge.serve(request, response, name).catch((error: unknown) => {
      // The client disconnected in the middle of its body, or this is a bug, which the answer shows.
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(error instanceof Error ? error.stack : undefined);
    });
  };
  const { servers: count = 1, tls, keepAliveTimeoutMs = 120_000 } = options;
  const servers = Array.from({ length: count }, (_, i) => {
    const name = `fe${String(i + 1).padStart(2, '0')}.${domain}`;
    return new FrontEnd({ name, host, tls, keepAliveTimeoutMs, counters, serve });
  });
  const [first] = servers;
  if (!first) throw new RangeError('a pool needs at least one server');
  const url = () => first.url;
  const stop = async () => {
    timers.stop();
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    for (const [i, server] of servers.entries()) {
      await server.listen(options.port === undefined || options.port === 0 ? 0 : options.port + i);
    }
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: first.url,
    port: first.port,
    servers,
    ledger,
    faults,
    setLimit: (limit) => outstanding.setLimit(limit),
    occupy: (user, calls) => outstanding.occupy(user, calls),
    stats: () => ({ ...counters }),
    raise: (user, ...events) => {
      for (const event of events) pool.tellUser(pool.user(user), event);
    },
    setSites: (urls) => (sites = new Sites(urls)),
    stop,
  };
}

/** Returns the addresses that the options name. */
function given({ publicUrl, discoveryUrl, homeUrl }: SimulatorOptions): Partial<SiteUrls> {
  return {
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(discoveryUrl === undefined ? {} : { discoveryUrl }),
    ...(homeUrl === undefined ? {} : { homeUrl }),
  };
}
