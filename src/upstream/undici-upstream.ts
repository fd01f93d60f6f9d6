/**
 * The way to the pool, by undici: the only folder that imports it. What matters is the moment of
 * `onConnect`: before it no byte has left, so any call may be sent again; after it nobody knows, until
 * an answer comes.
 */
import { errors, type Dispatcher } from 'undici';
import type { ConnectionObserver } from '../core/connection-guard.ts';
import { signsInConnection } from '../core/ucwa/credential-scheme.ts';
import {
  faulty,
  isFinal,
  isUnendedReset,
  transferCodings,
  withoutBody,
} from '../core/answer/odd-heads.ts';
import { InvariantViolation } from '../core/invariants.ts';
import { headerValue, namedByConnection } from '../core/messages/http-message.ts';
import type { Exchange, ExchangeHandler, ExchangeRequest, Upstream } from './exchange.ts';
import { faultOf, OddAnswer } from '../core/answer/fault-from-error.ts';
import type { PoolClient } from './pool-client.ts';
import { PoolClients, type PendingRequest } from './pool-clients.ts';
import { poolConnector, type PoolTls } from './pool-connector.ts';

export interface UpstreamOptions {
  /** http or https, without a path. */
  readonly url: URL;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** Idle connections are closed after so long, well before the pool does it. */
  readonly idleTimeoutMs: number;
  /** For an answer to begin, and between two pieces of it. */
  readonly timeoutMs: number;
  /** What is in force now; the same object until something else is. */
  readonly tls: () => PoolTls;
  readonly observer: ConnectionObserver;
  /** See `restMs`, which is the default. */
  readonly restMs?: number;
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const { observer, maxConnections, restMs } = options;
  const clients = new PoolClients({
    origin: options.url.origin,
    maxConnections,
    client: {
      pipelining: 1,
      keepAliveTimeout: options.idleTimeoutMs,
      keepAliveMaxTimeout: options.idleTimeoutMs,
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
      allowH2: false,
    },
    connect: poolConnector(options.connectTimeoutMs, options.tls),
    observer,
    restMs,
  });
  return {
    send(request, handler) {
      return new UndiciExchange(clients, request, handler, observer);
    },
    connections: () => clients.connected,
    stop: () => clients.stop(),
  };
}

/**
 * Speaks undici's first interface of handlers, which it calls deprecated: the second is laid around it
 * and reads all header fields once more, into an object that nobody here wants. That alone took 1.2 %
 * of all CPU at full load, and a lone call 0.1 ms (docs/performance.md).
 */
class UndiciExchange implements Exchange, PendingRequest, Dispatcher.DispatchHandler {
  readonly #clients: PoolClients;
  readonly #request: ExchangeRequest;
  readonly #handler: ExchangeHandler;
  readonly #observer: ConnectionObserver;
  #client: PoolClient | undefined;
  #abortRequest: ((reason: Error) => void) | undefined;
  #readMore: (() => void) | undefined;
  #paused = false;
  #headers: readonly string[] = [];
  #status = 0;
  #aborted = false;
  /** Its body is left out: to the handler the answer ends with its head. */
  #endsAtHead = false;

  constructor(
    clients: PoolClients,
    request: ExchangeRequest,
    handler: ExchangeHandler,
    observer: ConnectionObserver,
  ) {
    this.#clients = clients;
    this.#request = request;
    this.#handler = handler;
    this.#observer = observer;
    clients.acquire(this);
  }

  get user(): object {
    return this.#request.user;
  }

  get isAborted(): boolean {
    return this.#aborted;
  }

  get started(): boolean {
    return this.#abortRequest !== undefined;
  }

  pause(): boolean {
    this.#paused = keepsConnection(this.#headers);
    return this.#paused;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#readMore?.();
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    if (this.#clients.cancel(this)) this.#fail(canceled());
    else this.#abortRequest?.(canceled());
  }

  /** What throws here ends the exchange with an error, and nothing is written. */
  onConnect(abort: (reason?: Error) => void): void {
    if (this.#aborted) {
      abort(canceled());
      return;
    }
    const signsIn = signsInConnection(this.#request.headers);
    this.#client?.lend({ client: undefined, signsIn, isBound: false });
    this.#abortRequest = abort;
  }

  /** @returns whether to read on, as `onData` does */
  onHeaders(status: number, raw: Buffer[], readMore: () => void, reason: string): boolean {
    const headers = raw.map((field) => field.toString('latin1'));
    this.#client?.answered(headers);
    // 102 to 199 announce an answer, they are none. A 100, for which nobody asked, undici refuses.
    if (status > 101 && status < 200) return true;
    if (!isFinal(status) || transferCodings(status, headers) === faulty) {
      this.#abortRequest?.(new OddAnswer('the head is ambiguous'));
      return false;
    }
    this.#status = status;
    if (isUnendedReset(status, headers)) {
      this.#endsAtHead = true;
      this.#handler.head(status, legalReason(reason), withoutBody(headers));
      this.#abortRequest?.(canceled());
      return false;
    }
    this.#readMore = readMore;
    this.#headers = headers;
    this.#handler.head(status, legalReason(reason), headers);
    return !this.#paused;
  }

  onData(chunk: Buffer): boolean {
    this.#handler.data(chunk);
    return !this.#paused;
  }

  onComplete(): void {
    this.#release(true);
    this.#handler.end();
  }

  onError(error: Error): void {
    this.#fail(error);
  }

  #fail(error: Error): void {
    this.#release(false);
    if (error instanceof InvariantViolation) {
      this.#observer.internalError(error);
      this.#handler.fault({ phase: 'unsent', name: 'proxy_internal_error' });
      return;
    }
    // A 304 says how long the body would be that it does not have (RFC 9110 section 8.6).
    const isWhole =
      this.#status === 304 && error instanceof errors.ResponseContentLengthMismatchError;
    if (isWhole || this.#endsAtHead) this.#handler.end();
    else this.#handler.fault(faultOf(error, this.started ? 'unknown' : 'unsent', this.#status > 0));
  }

  sendOn(client: PoolClient): void {
    const { method, target, headers, body } = this.#request;
    this.#client = client;
    client.client.dispatch(
      {
        method,
        path: target,
        headers: headers as string[],
        body: body.length === 0 ? null : body,
      },
      this,
    );
  }

  #release(isWhole: boolean): void {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) this.#clients.release(client, isWhole);
  }
}

/**
 * Whether the connection is to outlive the answer. Else undici cannot hear its end while it is paused:
 * it throws where nobody can catch it (`finish` in its `client-h1.js`), and the process would end.
 */
function keepsConnection(headers: readonly string[]): boolean {
  const isFramed =
    headerValue(headers, 'content-length') !== undefined ||
    headerValue(headers, 'transfer-encoding') !== undefined;
  return isFramed && !namedByConnection(headers).has('close');
}

function canceled(): Error {
  return new Error('the request was canceled');
}

/** A phrase that was no ASCII has been decoded, and perhaps damaged; nobody reads it. */
function legalReason(reason: string): string {
  return /^[\t\x20-\x7e]*$/.test(reason) ? reason : '';
}
