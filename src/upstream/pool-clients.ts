/**
 * The connections to the pool that batches and single calls share. A connection rests behind an answer before
 * another user's request is sent on it, so that a second answer, which the pool sends meanwhile, closes it
 * and is not taken for the answer to that request.
 */
import type { buildConnector, Client } from 'undici';
import type { ConnectionObserver } from '../core/connection-guard.ts';
import { restAtCapMs, restMs } from '../core/connection-label.ts';
import { PoolClient } from './pool-client.ts';

export interface PoolClientsOptions {
  readonly origin: string;
  readonly maxConnections: number;
  readonly client: Client.Options;
  readonly connect: buildConnector.connector;
  readonly observer: ConnectionObserver;
  /** See `restMs`, which is the default. */
  readonly restMs?: number | undefined;
}

/** A request that needs a connection. */
export interface PendingRequest {
  /** On whose behalf: the same object for all requests of a user. */
  readonly user: object;
  sendOn(client: PoolClient): void;
}

export class PoolClients {
  readonly #options: PoolClientsOptions;
  readonly #all = new Set<PoolClient>();
  /** Those that carry no request; the one that was used last stands last. */
  readonly #free: PoolClient[] = [];
  /** Requests that wait for a connection, oldest first. */
  readonly #waiting: PendingRequest[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** After `stop`: a client that refuses every request. */
  #stopped: PoolClient | undefined;

  constructor(options: PoolClientsOptions) {
    this.#options = options;
  }

  /** Open connections. */
  get connected(): number {
    let count = 0;
    for (const { isConnected } of this.#all) if (isConnected) count += 1;
    return count;
  }

  /** Gives the request a client, at once or when one may be lent to its user. */
  acquire(request: PendingRequest): void {
    this.#waiting.push(request);
    if (this.#waiting.length === 1) this.#serve();
  }

  /** Whether the request still waited for a connection: then it gets none any more. */
  cancel(request: PendingRequest): boolean {
    const place = this.#waiting.indexOf(request);
    if (place !== -1) this.#waiting.splice(place, 1);
    return place !== -1;
  }

  /** `isWhole`: the answer came to its end; otherwise the connection ends here. */
  release(client: PoolClient, isWhole: boolean): void {
    client.giveBack();
    client.freeSinceMs = performance.now();
    if (isWhole && !client.isSpent) this.#free.push(client);
    else this.#discard(client);
    this.#serve();
  }

  /** Breaks off what is under way and what waits. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopped ??= this.#open();
    const ended = Array.from(this.#all, ({ client }) => client.destroy());
    this.#serve();
    await Promise.all(ended);
  }

  #serve(): void {
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

  /** Where all are open, and one of them is free and rests. */
  #serveWhenRested(): void {
    const [oldest] = this.#free;
    if (oldest === undefined) return;
    const dueMs = oldest.freeSinceMs + restAtCapMs - performance.now();
    this.#timer = setTimeout(() => this.#serve(), Math.max(dueMs, 0));
  }

  /**
   * A connection that the same user used last; else one that has rested; else a new one; where as many as
   * may be are open, the one that rests for longest, if it has rested at least for a while.
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
    if (this.#all.size < this.#options.maxConnections) return this.#open();
    const [oldest] = free;
    const isRested = oldest !== undefined && nowMs - oldest.freeSinceMs >= restAtCapMs;
    return isRested ? free.shift() : undefined;
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

  /** Not from inside undici's call, which goes on to use it. Its place is free when it is closed. */
  #discard(client: PoolClient): void {
    queueMicrotask(() => {
      void client.client.destroy().finally(() => {
        this.#all.delete(client);
        this.#serve();
      });
    });
  }
}
