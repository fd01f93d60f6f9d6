/**
 * Connections to the pool that belong to one connection of a client each (docs/decisions/013-connections-have-owners.md).
 * A client that signs in by NTLM or Negotiate is signed in on its connection to the pool; no other client
 * may ever send a request there. Each is used by one request at a time, and is closed with the
 * client's connection.
 */
import type { Socket } from 'node:net';
import { PoolConnections, type PoolConnectionsOptions } from './pool-connections.ts';

interface BoundOptions extends Omit<PoolConnectionsOptions, 'maxConnections'> {
  /** Open connections of all clients. */
  readonly maxConnections: number;
}

export class BoundConnections {
  readonly #options: BoundOptions;
  /** By the client's connection; that which was used last stands last. */
  readonly #byClient = new Map<Socket, PoolConnections>();
  readonly #everBound = new WeakSet<Socket>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: BoundOptions) {
    this.#options = options;
  }

  /** Open connections to the pool. */
  get count(): number {
    let count = 0;
    for (const connections of this.#byClient.values()) count += connections.count;
    return count;
  }

  /**
   * The one connection of that client: opened with its first request, and anew when it was closed
   * in between.
   *
   * @returns `undefined` when as many as may be are open and in use, an idle one makes room; and
   *   when the client has left
   */
  of(client: Socket): PoolConnections | undefined {
    if (client.destroyed) return undefined;
    const known = this.#byClient.get(client);
    if (known !== undefined) {
      // Now the last one in the order of use.
      this.#byClient.delete(client);
      this.#byClient.set(client, known);
      if (known.count > 0) return known;
    }
    if (this.count >= this.#options.maxConnections && !this.#closeIdle()) return undefined;
    return known ?? this.#open(client);
  }

  /** Whether that client's connection has had a connection to the pool of its own. */
  wasBound(client: Socket): boolean {
    return this.#everBound.has(client);
  }

  /** Destroys all of them; resolves when they are closed. */
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

  /** Closes the one that has been idle for longest; `false` where none may be closed. */
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
