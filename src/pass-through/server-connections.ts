/** The connections of one kind of passed-through calls: to one server, or to each server of a pool. */
import type { Server } from '../core/servers/server.ts';
import type { ServerSet } from '../core/servers/server-set.ts';
import type { ServerRoute } from './connect-in-turn.ts';
import { PoolConnections, type PoolConnectionsOptions } from './pool-connections.ts';

export class ServerConnections {
  /** `undefined` stands for the only server of a pool. */
  readonly #byServer = new Map<Server | undefined, PoolConnections>();
  readonly #options: PoolConnectionsOptions;

  /** @param set the servers of the pool, if there are several */
  constructor(options: PoolConnectionsOptions, set?: ServerSet) {
    this.#options = options;
    if (set === undefined) this.#byServer.set(undefined, new PoolConnections(options));
    else for (const server of set.servers) this.add(server, set);
  }

  /** The settings have one more server. */
  add(server: Server, set: ServerSet): void {
    const opening = (): void => this.#makeRoom(server);
    const route = routeOf(set, server, opening);
    const own = { ...this.#options, upstream: new URL(server.origin), route };
    this.#byServer.set(server, new PoolConnections(own));
  }

  /**
   * Whether a connection that belongs to the server is open. If the server took no connection, this one leads to another
   * server, and its request counts there.
   */
  uses(server: Server): boolean {
    return (this.#byServer.get(server)?.count ?? 0) > 0;
  }

  /** The settings no longer have this server, and it has no requests. */
  remove(server: Server): void {
    const connections = this.#byServer.get(server);
    this.#byServer.delete(server);
    void connections?.close();
  }

  get count(): number {
    let count = 0;
    for (const connections of this.#byServer.values()) count += connections.count;
    return count;
  }

  /** Stands for the connections of a request that has no server yet. */
  get any(): PoolConnections {
    const [any] = this.#byServer.values();
    return any as PoolConnections;
  }

  /** Number of requests that wait for a connection. */
  get waiting(): number {
    let waiting = 0;
    for (const connections of this.#byServer.values()) waiting += connections.waiting;
    return waiting;
  }

  has(connections: PoolConnections): boolean {
    for (const own of this.#byServer.values()) if (own === connections) return true;
    return false;
  }

  to(server: Server | undefined): PoolConnections {
    return this.#byServer.get(server) ?? this.any;
  }

  closeIdle(server: Server): void {
    for (const connections of this.#byServer.values()) connections.closeIdle(server);
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#byServer.values(), (connections) => connections.close()));
  }

  /** Closes an idle connection to another server if the limit of the pool is reached. */
  #makeRoom(server: Server): void {
    if (this.count < this.#options.maxConnections) return;
    for (const [other, connections] of this.#byServer) {
      if (other !== server && connections.closeIdlest()) return;
    }
  }
}

/** @param home the server to try first; without it the set chooses the first one too */
export function routeOf(
  set: ServerSet,
  home: Server | undefined,
  opening: () => void = () => undefined,
): ServerRoute {
  return {
    next: (tried) =>
      home !== undefined && tried.size === 0 ? home : set.next(tried, performance.now()),
    connectFailed: (server) => set.connectFailed(server, performance.now()),
    opening,
    mayKeep: (server) => (home === undefined || server === home) && set.mayKeep(server),
  };
}
