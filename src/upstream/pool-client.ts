/**
 * One connection to the pool that batches and single calls share, by a client of undici's of its own, which
 * opens it anew after it was closed.
 */
import type { Socket } from 'node:net';
import { type buildConnector, Client } from 'undici';
import { marksConnection } from '../core/answer/challenges.ts';
import { type ConnectionObserver, guardWrites } from '../core/connection-guard.ts';
import { type Borrower, ConnectionLabel, shared } from '../core/connection-label.ts';
import { namedByConnection, type RawHeaders } from '../core/messages/http-message.ts';

/** One connection to the pool, or none while it is closed. */
export class PoolClient {
  readonly client: Client;
  readonly #observer: ConnectionObserver;
  #label = new ConnectionLabel(shared);
  #socket: Socket | undefined;
  /** The user of the last request. */
  user: object | undefined;
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

  /** Whether its connection must not be used again: it is spent, or a rest of the request is not sent. */
  get isSpent(): boolean {
    return this.#label.isSpent || (this.#socket?.writableLength ?? 0) > 0;
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
    this.#label.answered(marksConnection(headers) || namedByConnection(headers).has('close'));
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
    guardWrites(socket, label, this.#observer);
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
