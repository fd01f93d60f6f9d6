/** Redirects each request of the plain listener to https. Nothing reaches the pool. */
import { admit, type RefusalReason } from '../core/admit/admit.ts';
import { hostNameOf, httpsRedirect } from '../core/answer/https-redirect.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { HttpServerHandlers } from './http-server.ts';
import { detailsOf } from './call-details.ts';
import type { AccessLog, FinishedCall, ListenObserver } from './observer.ts';
import { overflowStatus } from './overflow-status.ts';
import { Refusals } from './refusals.ts';
import { keepAliveLines, writeReply } from './write-reply.ts';

export interface PlainRedirectParts {
  /** Port of the listener for https; `undefined` if another program terminates TLS. */
  readonly tlsPort: () => number | undefined;
  readonly keepAliveTimeoutMs: number;
  readonly observer: Pick<ListenObserver, 'refused' | 'finished'>;
  readonly accessLog: AccessLog;
  readonly now: () => number;
}

export class PlainRedirect implements HttpServerHandlers {
  readonly #parts: PlainRedirectParts;
  readonly #keepAlive: string;
  readonly #refusals: Refusals;

  constructor(parts: PlainRedirectParts) {
    this.#parts = parts;
    this.#keepAlive = keepAliveLines(parts.keepAliveTimeoutMs);
    this.#refusals = new Refusals(parts.observer, this.#keepAlive);
  }

  handle(exchange: ClientExchange): void {
    if (this.#refusals.closing.has(exchange.request.socket)) return;
    exchange.startedAtMs = this.#parts.now();
    const { method = '', url = '', httpVersion } = exchange.request;
    const { facts, headers } = exchange.head;
    const target = admit({ method, target: url, httpVersion, headers }, facts);
    if (typeof target !== 'string') {
      this.#refuse(exchange, target.status, target.reason);
      return;
    }
    const { host = '' } = facts;
    const name = hostNameOf(host);
    if (name === undefined) this.#refuse(exchange, 400, 'host');
    else if (target === '*') this.#refuse(exchange, 400, 'target');
    else if (exchange.head.destination === undefined) this.#refuse(exchange, 421, 'unknown_host');
    else {
      // The proxy does not read bodies here, and serves no bytes behind a request to change the protocol.
      if (exchange.body !== undefined || facts.upgrade) this.#refusals.closeAfterAnswer(exchange);
      const reply = httpsRedirect(method, host, target, this.#parts.tlsPort());
      writeReply(exchange, reply, this.#keepAlive);
      this.#finished(exchange);
    }
  }

  refuseExpectation(exchange: ClientExchange): void {
    this.#refuse(exchange, 417, 'expectation');
  }

  refuseBody(exchange: ClientExchange): void {
    this.#refuse(exchange, overflowStatus.slow_request, 'slow_request');
  }

  refused(reason: RefusalReason): void {
    this.#parts.observer.refused(reason);
  }

  #refuse(exchange: ClientExchange, status: number, reason: RefusalReason): void {
    if (this.#refusals.closing.has(exchange.request.socket)) return;
    this.#refusals.write(exchange, status, reason);
    this.#finished(exchange);
  }

  #finished(exchange: ClientExchange): void {
    const { request, response, startedAtMs, head } = exchange;
    const { accessLog } = this.#parts;
    const call: FinishedCall = {
      via: 'refused',
      status: response.headersSent ? response.statusCode : 0,
      durationMs: this.#parts.now() - startedAtMs,
      method: request.method ?? '',
      target: request.url ?? '',
      user: head.user,
      poll: false,
      callerLeft: false,
    };
    this.#parts.observer.finished(call);
    if (accessLog.wants(call)) accessLog.access(call, detailsOf(exchange, {}));
  }
}
