/** Creates the parts of each pool from the settings: its connections, its engine, and its observers of calls. */
import type { ConnectionObserver } from '../core/connection-guard.ts';
import type { Fault } from '../core/messages/fault.ts';
import type { UserMemory } from '../core/schedule/state.ts';
import { createUserMemory } from '../engine/user-memory.ts';
import {
  createPassThrough,
  type PassThrough,
  type PassThroughOptions,
} from '../pass-through/pass-through.ts';
import { type PoolSettings, poolsOf, serverOf } from '../settings/pools.ts';
import type { TraceRecorder } from '../shadow/trace-recorder.ts';
import type { Upstream } from '../upstream/exchange.ts';
import type { PoolServers, ServerCounts, ServerReport } from '../upstream/servers/pool-servers.ts';
import { createServersUpstream } from '../upstream/servers/servers-upstream.ts';
import { createUpstream } from '../upstream/undici-upstream.ts';
import { createEngines, type PoolEngines, type SharedByEngines } from './engines.ts';
import { authorityOf } from './named-pools.ts';
import { createServers } from './servers.ts';
import type { Surroundings } from './surroundings.ts';

/** One pool. Its engine holds everything that the proxy learns about it. */
export interface Pool extends PoolEngines {
  readonly settings: PoolSettings;
  /** Sends batches and single requests. */
  readonly upstream: Upstream;
  readonly passThrough: PassThrough;
  /** `undefined` for a pool of one server. */
  readonly servers: PoolServers | undefined;
}

/** Objects that all pools share, so that limits of memory hold for the whole process. */
interface Shared extends SharedByEngines {
  readonly bodies: { bytes: number };
}

const oneServer: ServerCounts = { active: 1, fallback: 0, trial: 0, ejected: 0 };
const serverStates = ['active', 'fallback', 'trial', 'ejected'] as const;

/** All pools as one. */
export class Pools {
  readonly all: readonly Pool[];
  /** The buffered bytes of all passed-through bodies. */
  readonly bodies = { bytes: 0 };
  readonly #memory: UserMemory;

  constructor(surroundings: Surroundings, recorder: TraceRecorder | undefined) {
    const { limits } = surroundings.settings;
    const remembered = { maxUsers: limits.maxUsers, idleMs: limits.userIdleMs };
    const shared: Shared = {
      recorder,
      bodies: this.bodies,
      memory: createUserMemory(remembered),
      shadowMemory: createUserMemory(remembered),
    };
    this.#memory = shared.memory;
    this.all = poolsOf(surroundings.settings).map((settings, i) =>
      createPool(surroundings, settings, i, shared),
    );
  }

  sum(count: (pool: Pool) => number): number {
    return this.all.reduce((sum, pool) => sum + count(pool), 0);
  }

  get users(): { readonly active: number; readonly idle: number } {
    const active = this.sum(({ engine }) => engine.users.active);
    // Each engine counts the users of the memory, which all engines share.
    const surplus = (this.all.length - 1) * this.#memory.size;
    return { active, idle: this.sum(({ engine }) => engine.users.idle) - surplus };
  }

  /** See `ObservedEngine`. */
  checkOver(): void {
    for (const { observedEngine } of this.all) observedEngine.checkOver();
  }

  drain(): void {
    for (const { observedEngine, priming, verifier } of this.all) {
      priming?.stop();
      verifier.stop();
      observedEngine.drain();
    }
  }

  /** See `PassThrough`. */
  endPolls(fraction: number, fault: Fault): void {
    for (const { passThrough } of this.all) passThrough.endPolls(fraction, fault);
  }

  endWaiting(): void {
    for (const { passThrough } of this.all) passThrough.endWaiting();
  }

  /** Number of servers of all pools in each state. */
  get serverCounts(): ServerCounts {
    const counts = { active: 0, fallback: 0, trial: 0, ejected: 0 };
    for (const { servers } of this.all) {
      const own = servers?.counts ?? oneServer;
      for (const state of serverStates) counts[state] += own[state];
    }
    return counts;
  }

  /** The servers of all pools that have several. */
  get serverReports(): ReadonlyArray<ServerReport & { readonly pool: string }> {
    return this.all.flatMap(({ settings: { name }, servers }) =>
      (servers?.report() ?? []).map((report) => ({ pool: name, ...report })),
    );
  }

  /** Ends the checks of the servers. */
  stopServers(): void {
    for (const { servers } of this.all) servers?.stop();
  }

  stopEngines(): void {
    for (const { engine, verifier } of this.all) {
      // A stop without a drain ends the comparisons here.
      verifier.stop();
      engine.stop();
    }
  }

  stopShadows(): void {
    for (const { shadow } of this.all) shadow?.stop();
  }

  /** Closes the connections to all pools. */
  async stop(): Promise<void> {
    await Promise.all(
      this.all.flatMap(({ passThrough, upstream }) => [passThrough.stop(), upstream.stop()]),
    );
  }
}

function createPool(
  surroundings: Surroundings,
  settings: PoolSettings,
  place: number,
  shared: Shared,
): Pool {
  const clients = createClients(surroundings, settings, place, shared);
  const engines = createEngines(surroundings, clients.upstream, place, shared);
  return { settings, ...clients, ...engines };
}

/** Creates the two clients of a pool: one for batches and single requests, one for pass-through calls. */
function createClients(
  surroundings: Surroundings,
  pool: PoolSettings,
  place: number,
  { bodies }: Shared,
): Pick<Pool, 'upstream' | 'passThrough' | 'servers'> {
  const { settings, live, log, renewals } = surroundings;
  const { upstream: connections } = settings;
  const url = serverOf(pool);
  const tls = renewals.pools[place] ?? (() => ({}));
  const now = (): PoolSettings => poolsOf(live.current)[place] ?? pool;
  const servers = createServers(pool, { log, authority: () => authorityOf(now()), tls });
  live.onChange(() => servers?.replace(now()));
  const options = {
    ...{ url, maxConnections: connections.maxConnections },
    connectTimeoutMs: connections.connectTimeoutMs,
    idleTimeoutMs: connections.idleTimeoutMs,
    timeoutMs: connections.timeoutMs,
    tls,
    observer: connectionObserver(surroundings, place),
  };
  const { maxConnections } = connections;
  const passing = { upstream: url, maxConnections, servers, bodies, tls };
  return {
    servers,
    upstream:
      servers === undefined ? createUpstream(options) : createServersUpstream(options, servers),
    passThrough: passThroughTo(surroundings, passing, place),
  };
}

/**
 * Creates the pass-through to one server, or to the servers of a pool.
 *
 * @param place the place of the pool, see `Health.failed`
 */
export function passThroughTo(
  surroundings: Surroundings,
  server: Pick<PassThroughOptions, 'upstream' | 'servers' | 'maxConnections' | 'bodies' | 'tls'>,
  place?: number,
): PassThrough {
  const { listen, upstream: connections, limits } = surroundings.settings;
  return createPassThrough({
    ...server,
    connectTimeoutMs: connections.connectTimeoutMs,
    idleSocketTimeoutMs: connections.idleTimeoutMs,
    idleTimeoutMs: connections.passThroughIdleMs,
    slowUploadMs: listen.requestTimeoutMs,
    maxBodyBytes: limits.maxQueuedBytes / 4,
    bound: {
      maxConnections: connections.maxBoundConnections,
      idleSocketTimeoutMs: connections.boundIdleMs,
      maxAgeMs: connections.boundMaxAgeMs,
    },
    observer: connectionObserver(surroundings, place),
  });
}

function connectionObserver(
  { metrics, health, internalError }: Surroundings,
  place: number | undefined,
): ConnectionObserver {
  return {
    unsolicited: () => metrics.engine.protocolError('unsolicited'),
    internalError,
    failed: (name, error) => health.failed(place, name, error),
  };
}
