/** One connection to the pool: to whom it belongs, and what comes on it. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ConnectionObserver, guardWrites } from '../core/connection-guard.ts';
import { type Borrower, ConnectionLabel, type Owner } from '../core/connection-label.ts';
import { marksConnection } from '../core/answer/challenges.ts';
import { AnswerFrame, type Framing } from '../core/wire/answer-frame.ts';
import { namedByConnection, type RawHeaders } from '../core/messages/http-message.ts';
import { TLSSocket } from 'node:tls';
import type { FaultName } from '../core/messages/fault.ts';
import { nameFault } from '../core/answer/fault-from-error.ts';

/** What the exchange on a connection knows of its answer. */
export interface AnswerProgress {
  /** The parser has found the end of the answer. */
  isWhole(): boolean;
  /** `undefined` before the head of the answer. */
  framing(): Framing | undefined;
}

/** `undefined`: the framing is faulty, and the connection ends (RFC 9112 section 6.1). */
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
  /** When its last exchange was over. */
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
    // Before Node's own listener, which each request adds anew: it sees each chunk unparsed.
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    guardWrites(socket, this.#label, observer);
  }

  /** Whether it is connected, TLS included, so that bytes can have reached the pool. */
  get isReady(): boolean {
    return this.#isReady;
  }

  ready(): void {
    this.#isReady = true;
  }

  /** @throws InvariantViolation when that request must not be written to this connection */
  lend(borrower: Borrower, answering: AnswerProgress): void {
    this.#label.lend(borrower);
    this.#answering = answering;
    this.#frame = new AnswerFrame();
  }

  /** The last answer was a challenge to a sign-in: the client answers it on the same connection. */
  get isInHandshake(): boolean {
    return this.#isInHandshake;
  }

  /** The head of an answer came, an interim one (1xx) too. */
  answered(status: number, headers: RawHeaders): void {
    const marks = marksConnection(headers);
    this.#isInHandshake = marks && status === 401 && this.#label.borrower?.signsIn === true;
    this.#label.answered(marks);
    // Node keeps a connection of HTTP/1.0 that says `keep-alive, close`.
    if (namedByConnection(headers).has('close')) this.#label.spend();
  }

  /** The client's connection of the request that it carries. */
  get client(): object | undefined {
    return this.#label.borrower?.client;
  }

  /** The user of that request. */
  get user(): string | undefined {
    return this.#label.borrower?.user;
  }

  get isLent(): boolean {
    return this.#label.isLent;
  }

  /** Whether no further request may be sent on it. */
  get isSpent(): boolean {
    return this.#label.isSpent;
  }

  /** The exchange on it is over, and its answer was read to the end. Closes a connection that is spent. */
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
