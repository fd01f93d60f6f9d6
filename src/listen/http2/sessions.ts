/** All HTTP/2 connections of a listener. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { RefusalReason } from '../../core/admit/admit.ts';
import { UnfinishedHeads } from '../unfinished-heads.ts';
import { chooseProtocol } from './choose-protocol.ts';
import { ClientSession, type SessionParts } from './session.ts';

export interface SessionsOptions {
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly stallMs: number;
  /** Limit for the bytes of all unfinished heads, and for the memory of the heads of all open streams. */
  readonly maxHeadBytes: number;
  readonly refused: (reason: RefusalReason) => void;
  /** Called after node:http has taken a connection of HTTP/1.1. */
  readonly http1: (socket: Socket) => void;
  readonly late: (socket: Socket) => void;
}

const checkMs = 1000;
const headCheckMs = 250;
const continues = /(?:^|\W)100-continue(?:$|\W)/i;

export class Sessions {
  readonly #sessions = new Set<ClientSession>();
  readonly #timers: readonly NodeJS.Timeout[];
  #isDraining = false;
  #isClosing = false;

  /** The server emits `request`, `checkContinue` and `checkExpectation` for streams too. */
  constructor(
    server: Server,
    event: 'connection' | 'secureConnection',
    {
      maxHeadBytes,
      refused,
      http1,
      late,
      headersTimeoutMs,
      idleTimeoutMs,
      stallMs,
    }: SessionsOptions,
  ) {
    const parts: SessionParts = {
      ...{ headersTimeoutMs, idleTimeoutMs, stallMs, maxHeadBytes, refused },
      heads: { bytes: 0 },
      isDraining: () => this.#isDraining,
      closed: (session) => this.#sessions.delete(session),
      serve(request, response, expectation) {
        const continued = expectation !== undefined && continues.test(expectation);
        const unknown = continued ? 'checkContinue' : 'checkExpectation';
        server.emit(expectation === undefined ? 'request' : unknown, request, response);
      },
    };
    chooseProtocol(server, event, {
      http1,
      late,
      timeoutMs: headersTimeoutMs,
      http2: (socket) => {
        const session = new ClientSession(socket, parts);
        this.#sessions.add(session);
        if (this.#isClosing) session.close();
      },
    });
    const heads = new UnfinishedHeads<ClientSession>(maxHeadBytes, headersTimeoutMs);
    this.#timers = [
      setInterval(() => {
        const nowMs = performance.now();
        for (const session of this.#sessions) session.check(nowMs);
      }, checkMs).unref(),
      setInterval(() => {
        const entries = Array.from(this.#sessions, (session) => [session, session] as const);
        for (const session of heads.findExcess(entries.length, entries, performance.now())) {
          refused('head_too_large');
          session.destroy();
        }
      }, headCheckMs).unref(),
    ];
  }

  /** Makes clients use other connections. Requests are served until `close`. */
  drain(): void {
    this.#isDraining = true;
    for (const session of this.#sessions) session.drain();
  }

  /** Closes each connection when its open streams have ended. */
  close(): void {
    this.#isClosing = true;
    for (const session of this.#sessions) session.close();
  }

  /** Closes every connection at once. */
  destroy(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const session of this.#sessions) session.destroy();
  }
}
