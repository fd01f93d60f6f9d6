/**
 * The connections to the pool that batches and single calls share. Each has a client of undici's of its
 * own, which opens it anew after it was closed. A connection rests behind an answer before another
 * user's request is sent on it, so that a second answer, which the pool sends meanwhile, closes it and is
 * not taken for the answer to that request.
 */
import type { Socket } from 'node:net';
import { type buildConnector, Client } from 'undici';
import { type Borrower, ConnectionLabel, restMs, shared } from '../core/connection-label.ts';
import { marksConnection } from '../core/answer/challenges.ts';
import type { RawHeaders } from '../core/wire/http-message.ts';

export interface PoolClientsObserver {
  /** The pool sent bytes that no request asked for; the connection is closed. */
  unsolicited(): void;
  /** I9 would have been broken; the connection is closed. */
  internalError(error: unknown): void;
}

/** One connection to the pool, or none while it is closed. */
export class PoolClient {
  readonly client: Client;
  readonly #observer: PoolClientsObserver;
  #label = new ConnectionLabel(shared);
  #socket: Socket | undefined;
  /** The user of the last request. */
  user: object | undefined;
  freeSinceMs = 0;

  constructor(
    origin: string,
    options: Client.Options,
    connect: buildConnector.connector,
    observer: PoolClientsObserver,
  ) {
    this.#observer = observer;
    this.client = new Client(origin, {
      ...options,
      connect: (target, callback) =>
        connect(target, (...[error, socket]: Parameters<buildConnector.Callback>) => {
          if (error === null) callback(null, this.#watched(socket));
          else callback(error, null);
        }),
    });
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** Whether its connection must not be used again. */
  get isSpent(): boolean {
    return this.#label.isSpent;
  }

  /**
   * To be called before the first byte of a request is written.
   *
   * @throws InvariantViolation when it must not be written to this connection
   */
  lend(borrower: Borrower): void {
    this.#label.lend(borrower);
  }

  /** The head of an answer came, an interim one (1xx) too. */
  answered(headers: RawHeaders): void {
    this.#label.answered(marksConnection(headers));
  }

  /** The request is over: its answer was read to the end, or the connection is being closed. */
  giveBack(): void {
    this.#label.giveBack();
  }

  #watched<S extends Socket>(socket: S): S {
    const label = new ConnectionLabel(shared);
    this.#label = label;
    this.#socket = socket;
    socket.once('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    socket.on('error', (error) => {
      if (!label.isLent && isUnsolicited(error)) this.#observer.unsolicited();
    });
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]): boolean => {
      try {
        label.assertMayWrite();
      } catch (error) {
        this.#observer.internalError(error);
        socket.destroy();
        return false;
      }
      return write(...args);
    };
    // What comes while no request is under way is not even parsed.
    const push = socket.push.bind(socket);
    socket.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
      if (chunk === null || label.isLent) return push(chunk, encoding);
      label.spend();
      this.#observer.unsolicited();
      socket.destroy();
      return false;
    };
    return socket;
  }
}

/** What undici makes of bytes that stand behind an answer in the same chunk. */
function isUnsolicited(error: Error): boolean {
  return error.name === 'HTTPParserError' || error.message === 'bad response';
}

export interface PoolClientsOptions {
  readonly origin: string;
  readonly maxConnections: number;
  readonly client: Client.Options;
  readonly connect: buildConnector.connector;
  readonly observer: PoolClientsObserver;
  /** See `restMs`, which is the default. */
  readonly restMs?: number | undefined;
}

export class PoolClients {
  readonly #options: PoolClientsOptions;
  readonly #all = new Set<PoolClient>();
  /** Those that carry no request; the one that was used last stands last. */
  readonly #free: PoolClient[] = [];
  /** Requests that wait for a connection. */
  readonly #waiting: Array<(client: PoolClient) => void> = [];
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

  /** Calls `use` with a free client, at once or when one is given back. */
  take(user: object, use: (client: PoolClient) => void): void {
    const client = this.#stopped ?? this.#pick(user, performance.now());
    if (client === undefined) {
      this.#waiting.push(use);
      return;
    }
    client.user = user;
    use(client);
  }

  /** `isWhole`: the answer came to its end; otherwise the connection ends here. */
  giveBack(client: PoolClient, isWhole: boolean): void {
    client.giveBack();
    client.freeSinceMs = performance.now();
    if (isWhole && !client.isSpent) this.#free.push(client);
    else this.#discard(client);
    const next = this.#waiting.shift();
    if (next !== undefined) this.take({}, next);
  }

  /** Breaks off what is under way and what waits. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#open();
    for (const use of this.#waiting.splice(0)) this.take({}, use);
    await Promise.all(Array.from(this.#all, ({ client }) => client.destroy()));
  }

  /**
   * A connection that the same user used last; else one that has rested; else a new one; where as many
   * as may be are open, the one that has rested for longest.
   */
  #pick(user: object, nowMs: number): PoolClient | undefined {
    const free = this.#free;
    const restsMs = this.#options.restMs ?? restMs;
    let rested = -1;
    for (let i = free.length - 1; i >= 0; i -= 1) {
      const client = free[i] as PoolClient;
      if (client.user === user) return this.#takeAt(i);
      if (rested === -1 && nowMs - client.freeSinceMs >= restsMs) rested = i;
    }
    if (rested !== -1) return this.#takeAt(rested);
    return this.#all.size < this.#options.maxConnections ? this.#open() : free.shift();
  }

  #takeAt(index: number): PoolClient | undefined {
    return this.#free.splice(index, 1)[0];
  }

  #open(): PoolClient {
    const { origin, client, connect, observer } = this.#options;
    const opened = new PoolClient(origin, client, connect, observer);
    this.#all.add(opened);
    return opened;
  }

  /** Not from inside undici's call, which goes on to use it. */
  #discard(client: PoolClient): void {
    this.#all.delete(client);
    queueMicrotask(() => void client.client.destroy());
  }
}
