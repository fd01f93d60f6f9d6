/**
 * The connection pool of batches and single requests. After an answer a connection rests before it serves
 * another user. If the pool sends a second answer during the rest, the connection closes. Without the rest
 * the next request would receive that second answer.
 */
import type { buildConnector, Client } from 'undici';
import type { ConnectionObserver } from '../core/connection-guard.ts';
import { restAtCapMs, restMs } from '../core/connection-rest.ts';
import type { ConnectionRoom, RoomMember } from './connection-room.ts';
import { PoolClient } from './pool-client.ts';

export interface PoolClientsOptions {
  readonly origin: string;
  readonly maxConnections: number;
  /** The room that these connections share with those to the other servers of the pool. */
  readonly room?: ConnectionRoom | undefined;
  readonly client: Client.Options;
  readonly connect: buildConnector.connector;
  readonly observer: ConnectionObserver;
  /** Rest after an answer, in ms. The default is `restMs` of `core/connection-rest.ts`. */
  readonly restMs?: number | undefined;
}

/** A request that waits for a connection. */
export interface PendingRequest {
  /** The user that the request is sent for: the same object for all requests of one user. */
  readonly user: object;
  /** Receives the connection. */
  sendOn(client: PoolClient): void;
}

export class PoolClients implements RoomMember {
  readonly #options: PoolClientsOptions;
  readonly #all = new Set<PoolClient>();
  /** Connections without a request, the most recently used last. */
  readonly #free: PoolClient[] = [];
  /** Oldest first. */
  readonly #waiting: PendingRequest[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** A destroyed client, set by `stop`. It fails every request that it receives. */
  #stopped: PoolClient | undefined;

  constructor(options: PoolClientsOptions) {
    this.#options = options;
    options.room?.join(this);
  }

  /** Number of open connections. */
  get connected(): number {
    let count = 0;
    for (const { isConnected } of this.#all) if (isConnected) count += 1;
    return count;
  }

  /** Gives the request a connection, now or when one becomes available to its user. */
  acquire(request: PendingRequest): void {
    this.#waiting.push(request);
    if (this.#waiting.length === 1) this.serve();
  }

  /**
   * Takes a request out of the queue.
   *
   * @returns `false` if the request has its connection already
   */
  cancel(request: PendingRequest): boolean {
    const place = this.#waiting.indexOf(request);
    if (place !== -1) this.#waiting.splice(place, 1);
    return place !== -1;
  }

  /**
   * Takes a connection back after a request.
   *
   * @param isWhole whether the answer was read to its end; if not, the connection closes
   */
  release(client: PoolClient, isWhole: boolean): void {
    client.giveBack();
    client.freeSinceMs = performance.now();
    if (isWhole && !client.isSpent) this.#free.push(client);
    else this.#discard(client);
    this.serve();
  }

  /** Closes all connections without a request. */
  closeIdle(): void {
    while (this.closeIdlest());
  }

  closeIdlest(): boolean {
    const idlest = this.#free.shift();
    if (idlest !== undefined) this.#discard(idlest);
    return idlest !== undefined;
  }

  /** Cancels all requests, sent and waiting, and resolves when all connections are closed. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopped ??= this.#open();
    const ended = Array.from(this.#all, ({ client }) => client.destroy());
    this.serve();
    await Promise.all(ended);
  }

  /** Gives connections to the waiting requests, as far as there are some. */
  serve(): void {
    clearTimeout(this.#timer);
    for (let request = this.#waiting[0]; request !== undefined; request = this.#waiting[0]) {
      const client = this.#stopped ?? this.#choose(request.user, performance.now());
      if (client === undefined) {
        this.#serveWhenRested();
        return;
      }
      this.#waiting.shift();
      client.user = request.user;
      request.sendOn(client);
    }
  }

  /** Serves the queue again when the free connection that has rested longest has rested enough. */
  #serveWhenRested(): void {
    const [oldest] = this.#free;
    if (oldest === undefined) return;
    const dueMs = oldest.freeSinceMs + restAtCapMs - performance.now();
    this.#timer = setTimeout(() => this.serve(), Math.max(dueMs, 0));
  }

  /**
   * Chooses a connection for a request of this user. In order of preference:
   *
   * - a free connection that the same user used last
   * - a free connection that has rested
   * - a new connection
   * - at the connection limit, the free connection that has rested longest, at least for `restAtCapMs`
   */
  #choose(user: object, nowMs: number): PoolClient | undefined {
    const free = this.#free;
    const minRestMs = this.#options.restMs ?? restMs;
    let rested = -1;
    for (let i = free.length - 1; i >= 0; i -= 1) {
      const client = free[i] as PoolClient;
      if (client.user === user) return this.#takeFree(i);
      if (rested === -1 && nowMs - client.freeSinceMs >= minRestMs) rested = i;
    }
    if (rested !== -1) return this.#takeFree(rested);
    if (this.#mayOpen()) return this.#open();
    const [oldest] = free;
    const isRested = oldest !== undefined && nowMs - oldest.freeSinceMs >= restAtCapMs;
    return isRested ? free.shift() : undefined;
  }

  #mayOpen(): boolean {
    const { maxConnections, room } = this.#options;
    return this.#all.size < maxConnections && room?.enter(this) !== false;
  }

  #takeFree(index: number): PoolClient | undefined {
    return this.#free.splice(index, 1)[0];
  }

  #open(): PoolClient {
    const { origin, client, connect, observer } = this.#options;
    const opened = new PoolClient(origin, client, connect, observer);
    this.#all.add(opened);
    return opened;
  }

  /**
   * Closes a connection. It counts toward the limit until it is closed. The microtask keeps `destroy` out of
   * undici's callbacks, because undici still uses the client after a callback returns.
   */
  #discard(client: PoolClient): void {
    queueMicrotask(() => {
      void client.client.destroy().finally(() => {
        this.#all.delete(client);
        if (this.#options.room === undefined) this.serve();
        else this.#options.room.leave();
      });
    });
  }
}
