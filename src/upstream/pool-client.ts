/**
 * One connection to the pool that batches and single requests of all users share. Each connection has its own
 * undici `Client`, which opens a new connection after the old one has closed.
 */
import type { Socket } from 'node:net';
import { type buildConnector, Client } from 'undici';
import { marksConnection } from '../core/answer/challenges.ts';
import { type ConnectionObserver, guardWrites } from '../core/connection-guard.ts';
import { type Borrower, ConnectionLabel, shared } from '../core/connection-label.ts';
import { namedByConnection, type RawHeaders } from '../core/messages/http-message.ts';

/** At most one open connection to the pool, and its label. */
export class PoolClient {
  readonly client: Client;
  readonly #observer: ConnectionObserver;
  #label = new ConnectionLabel(shared);
  #socket: Socket | undefined;
  /** The user of the last request. */
  user: object | undefined;
  /** End of the last request, in ms of `performance.now()`. */
  freeSinceMs = 0;

  constructor(
    origin: string,
    options: Client.Options,
    connect: buildConnector.connector,
    observer: ConnectionObserver,
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

  /** Whether the connection must not be used again: its label is spent, or a part of a request is unsent. */
  get isSpent(): boolean {
    return this.#label.isSpent || (this.#socket?.writableLength ?? 0) > 0;
  }

  /**
   * Lends the connection to a request. To be called before the first byte of the request is written.
   *
   * @throws InvariantViolation when the request must not use this connection
   */
  lend(borrower: Borrower): void {
    this.#label.lend(borrower);
  }

  /** Marks the connection by the head of an answer. To be called for interim answers (1xx) too. */
  answered(headers: RawHeaders): void {
    this.#label.answered(marksConnection(headers) || namedByConnection(headers).has('close'));
  }

  /** Ends the loan. The answer was read to its end, or the connection is about to close. */
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
    guardWrites(socket, label, this.#observer);
    // Bytes that arrive without a request close the connection, and never reach the parser.
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

/** Whether undici reports bytes that follow an answer in the same chunk. */
function isUnsolicited(error: Error): boolean {
  return error.name === 'HTTPParserError' || error.message === 'bad response';
}
