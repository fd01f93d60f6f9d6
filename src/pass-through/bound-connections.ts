/**
 * Bound connections to the pool, each for one connection of a client
 * (docs/decisions/013-connections-have-owners.md). The pool stores an NTLM or Negotiate sign-in on the
 * connection. No other client may ever send a request on that connection. A bound connection carries one
 * request at a time, and closes with the client's connection.
 */
import type { Socket } from 'node:net';
import type { Server } from '../core/servers/server.ts';
import { PoolConnections, type PoolConnectionsOptions } from './pool-connections.ts';

interface BoundOptions extends Omit<PoolConnectionsOptions, 'maxConnections'> {
  /** Limit for the open bound connections of all clients. */
  readonly maxConnections: number;
}

export class BoundConnections {
  readonly #options: BoundOptions;
  /** By the client's connection, the most recently used last. */
  readonly #byClient = new Map<Socket, PoolConnections>();
  readonly #everBound = new WeakSet<Socket>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: BoundOptions) {
    this.#options = options;
  }

  /** Number of open connections to the pool. */
  get count(): number {
    let count = 0;
    for (const connections of this.#byClient.values()) count += connections.count;
    return count;
  }

  /**
   * Returns the connection of this client. It opens with the first request, and again after it was closed. At
   * the limit, an idle connection of another client is closed to make room.
   *
   * @returns `undefined` if the client has disconnected, or if all connections are in use
   */
  of(client: Socket): PoolConnections | undefined {
    if (client.destroyed) return undefined;
    const known = this.#byClient.get(client);
    if (known !== undefined) {
      // Moves the entry to the end of the map.
      this.#byClient.delete(client);
      this.#byClient.set(client, known);
      if (known.count > 0) return known;
    }
    if (this.count >= this.#options.maxConnections && !this.#closeIdle()) return undefined;
    return known ?? this.#open(client);
  }

  /** Whether this client's connection has ever had a bound connection. */
  wasBound(client: Socket): boolean {
    return this.#everBound.has(client);
  }

  /** Closes the connections to this server that carry no request. Their sign-ins end with them. */
  closeIdle(server: Server): void {
    for (const connections of this.#byClient.values()) connections.closeIdle(server);
  }

  /** Destroys all bound connections, and resolves when they are closed. */
  async close(): Promise<void> {
    for (const client of [...this.#byClient.keys()]) this.#closeFor(client);
    await Promise.all(this.#closing);
  }

  #open(client: Socket): PoolConnections {
    const connections = new PoolConnections({ ...this.#options, maxConnections: 1 }, client);
    this.#byClient.set(client, connections);
    if (!this.#everBound.has(client)) client.once('close', () => this.#closeFor(client));
    this.#everBound.add(client);
    return connections;
  }

  /** Closes the least recently used idle connection. Returns `false` if none is idle. */
  #closeIdle(): boolean {
    const nowMs = performance.now();
    for (const [client, connections] of this.#byClient) {
      if (connections.count === 0 || !connections.isIdle(nowMs)) continue;
      this.#closeFor(client);
      return true;
    }
    return false;
  }

  #closeFor(client: Socket): void {
    const connections = this.#byClient.get(client);
    if (connections === undefined) return;
    this.#byClient.delete(client);
    const closed = connections.close();
    this.#closing.add(closed);
    void closed.finally(() => this.#closing.delete(closed));
  }
}
