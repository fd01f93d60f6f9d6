/** One connection to the pool: its label, and checks of the bytes that arrive on it. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ConnectionObserver, guardWrites } from '../core/connection-guard.ts';
import { type Borrower, ConnectionLabel, type Owner } from '../core/connection-label.ts';
import { marksConnection } from '../core/answer/challenges.ts';
import { AnswerFrame, type Framing } from '../core/wire/answer-frame.ts';
import type { Server } from '../core/servers/server.ts';
import { namedByConnection, type RawHeaders } from '../core/messages/http-message.ts';
import { TLSSocket } from 'node:tls';
import type { FaultName } from '../core/messages/fault.ts';
import { nameFault } from '../core/answer/fault-from-error.ts';

/** The state of the answer to the current request of a connection. */
export interface AnswerProgress {
  /** Whether the parser has reached the end of the answer. */
  isWhole(): boolean;
  /** Returns `undefined` before the head of the answer, and for faulty framing. */
  framing(): Framing | undefined;
}

/**
 * Returns the framing of an answer. `undefined` means that the framing is faulty and the connection must close
 * (RFC 9112 section 6.1).
 */
export function framingOf(
  method: string | undefined,
  answer: IncomingMessage,
): Framing | undefined {
  const { statusCode, headers, httpVersion } = answer;
  if (httpVersion !== '1.1' && headers['transfer-encoding'] !== undefined) return undefined;
  return {
    bodiless: method === 'HEAD' || statusCode === 204 || statusCode === 304,
    contentLength: headers['content-length'],
    transferEncoding: headers['transfer-encoding'],
  };
}

export class PoolSocket {
  readonly socket: Socket;
  readonly openedAtMs: number;
  /** The server of an established connection, for a pool of several servers. */
  server: Server | undefined;
  /** End of the last request, in ms of `performance.now()`. */
  freeSinceMs = 0;
  readonly #label: ConnectionLabel;
  readonly #observer: ConnectionObserver;
  #frame = new AnswerFrame();
  #answering: AnswerProgress | undefined;
  #isReady = false;
  #isInHandshake = false;

  constructor(socket: Socket, owner: Owner, openedAtMs: number, observer: ConnectionObserver) {
    this.socket = socket;
    this.openedAtMs = openedAtMs;
    this.#label = new ConnectionLabel(owner);
    this.#observer = observer;
    // This listener runs before the parser, because Node adds its own listener later, with each request.
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    // On Node 20 a socket has no other `error` listener between two requests.
    socket.on('error', (error) => {
      if (!this.#isReady) observer.failed?.(faultOn(socket, error, false), error);
    });
    guardWrites(socket, this.#label, observer);
  }

  /** Whether the connection is established, TLS included. Only then can bytes have reached the pool. */
  get isReady(): boolean {
    return this.#isReady;
  }

  ready(): void {
    this.#isReady = true;
  }

  /** @throws InvariantViolation when the request must not use this connection */
  lend(borrower: Borrower, answering: AnswerProgress): void {
    this.#label.lend(borrower);
    this.#answering = answering;
    this.#frame = new AnswerFrame();
  }

  /** Whether the last answer was a challenge of a sign-in. The client answers on the same connection. */
  get isInHandshake(): boolean {
    return this.#isInHandshake;
  }

  /** Marks the connection by the head of an answer. To be called for interim answers (1xx) too. */
  answered(status: number, headers: RawHeaders): void {
    const marks = marksConnection(headers);
    this.#isInHandshake = marks && status === 401 && this.#label.borrower?.signsIn === true;
    this.#label.answered(marks);
    // Node would reuse a connection of HTTP/1.0 with `Connection: keep-alive, close`.
    if (namedByConnection(headers).has('close')) this.#label.spend();
  }

  /** The client's connection of the current request. */
  get client(): object | undefined {
    return this.#label.borrower?.client;
  }

  /** The user of the current request. */
  get user(): string | undefined {
    return this.#label.borrower?.user;
  }

  /** Whether the connection has served a request, and carries none now. */
  get isIdle(): boolean {
    return !this.isLent && this.freeSinceMs > 0;
  }

  get isLent(): boolean {
    return this.#label.isLent;
  }

  /** Whether the connection must carry no further request. */
  get isSpent(): boolean {
    return this.#label.isSpent;
  }

  /** Ends the loan after an answer that was read to its end. Closes the connection if it must not be reused. */
  giveBack(): void {
    const framing = this.#answering?.framing();
    this.#label.giveBack();
    this.#answering = undefined;
    this.freeSinceMs = performance.now();
    if (framing === undefined || this.isSpent) this.socket.destroy();
    else if (!this.#frame.isExact(framing)) this.#closeUnsolicited();
  }

  #take(chunk: Buffer): void {
    if (this.socket.destroyed) return;
    if (!this.#label.isLent || this.#answering?.isWhole() === true) this.#closeUnsolicited();
    else this.#frame.push(chunk);
  }

  #closeUnsolicited(): void {
    this.#label.spend();
    this.#observer.unsolicited();
    this.socket.destroy();
  }
}

/** The name of a fault on this socket, or of a fault before there was a socket. */
export function faultOn(
  socket: Socket | null | undefined,
  error: Error,
  mayHaveSent: boolean,
): FaultName {
  // Node sets it if the handshake succeeded and the certificate was refused. Otherwise it is null.
  const isRefused = socket instanceof TLSSocket && Boolean(socket.authorizationError as unknown);
  return nameFault(error, isRefused, mayHaveSent);
}
