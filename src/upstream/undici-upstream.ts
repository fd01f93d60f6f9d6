/**
 * Sends batches and single requests to the pool with undici. Only this folder imports undici.
 *
 * The call of `onConnect` decides about retries. Before it no byte is sent, so each call can be retried.
 * After it and until an answer, the proxy cannot know whether the request ran.
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
} from '../core/messages/odd-heads.ts';
import { InvariantViolation } from '../core/invariants.ts';
import { keepsConnection } from '../core/messages/http-message.ts';
import type { Exchange, ExchangeHandler, ExchangeRequest, Upstream } from './exchange.ts';
import { faultOf, OddAnswer } from '../core/answer/fault-from-error.ts';
import type { ConnectionRoom } from './connection-room.ts';
import type { PoolClient } from './pool-client.ts';
import { PoolClients, type PendingRequest } from './pool-clients.ts';
import { poolConnector, type PoolTls } from './pool-connector.ts';

export interface UpstreamOptions {
  /** An http or https URL without a path. */
  readonly url: URL;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** Idle time after which a connection is closed, in ms. The pool should allow a longer idle time. */
  readonly idleTimeoutMs: number;
  /** Limit for the wait for an answer's head, and between two pieces of its body, in ms. */
  readonly timeoutMs: number;
  /** Returns the current TLS files: the same object until the files change. */
  readonly tls: () => PoolTls;
  readonly observer: ConnectionObserver;
  /** Rest after an answer, in ms. The default is `restMs` of `core/connection-rest.ts`. */
  readonly restMs?: number;
}

/** @param room the limit that the connections to all servers of the pool share */
export function createClients(options: UpstreamOptions, room?: ConnectionRoom): PoolClients {
  const { observer, maxConnections, restMs } = options;
  return new PoolClients({
    origin: options.url.origin,
    maxConnections,
    room,
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
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const { observer } = options;
  const clients = createClients(options);
  const { host, hostname } = options.url;
  const server = { host, hostname };
  return {
    send(request, handler) {
      return new UndiciExchange(clients, server, request, handler, observer);
    },
    connections: () => clients.connected,
    stop: () => clients.stop(),
  };
}

/** The name of a server, with its port and without. */
type ServerName = Pick<URL, 'host' | 'hostname'>;

/**
 * One request as a handler of undici's first handler interface, which undici calls deprecated. The second
 * interface wraps the first and copies all header fields into an object that the proxy does not need. The
 * copy took 1.2 % of all CPU at full load, and 0.1 ms of each single request (docs/performance.md).
 */
export class UndiciExchange implements Exchange, PendingRequest, Dispatcher.DispatchHandler {
  readonly #clients: PoolClients;
  readonly #server: ServerName;
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
  /** Whether the handler receives the answer without its body. See `isUnendedReset`. */
  #endsAtHead = false;

  constructor(
    clients: PoolClients,
    server: ServerName,
    request: ExchangeRequest,
    handler: ExchangeHandler,
    observer: ConnectionObserver,
  ) {
    this.#clients = clients;
    this.#server = server;
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

  get server(): string {
    return this.#server.host;
  }

  get started(): boolean {
    return this.#abortRequest !== undefined;
  }

  /**
   * An answer that ends its connection must not be paused. When the connection ends while its answer is paused, undici
   * throws an exception that no caller can catch (`finish` in `client-h1.js`), and the process would end.
   */
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

  /** Runs before undici writes the request. If `lend` throws, undici writes nothing and calls `onError`. */
  onConnect(abort: (reason?: Error) => void): void {
    if (this.#aborted) {
      abort(canceled());
      return;
    }
    const signsIn = signsInConnection(this.#request.headers);
    this.#client?.lend({ client: undefined, signsIn, isBound: false });
    this.#abortRequest = abort;
  }

  /** @returns whether undici continues to read, like `onData` */
  onHeaders(status: number, raw: Buffer[], readMore: () => void, reason: string): boolean {
    const headers = raw.map((field) => field.toString('latin1'));
    this.#client?.answered(headers);
    // Interim answers (102 to 199) precede the final answer. undici itself refuses an unexpected 100.
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
    // The `Content-Length` of a 304 is the length of the body that a 200 would have (RFC 9110 section 8.6).
    const isWhole =
      this.#status === 304 && error instanceof errors.ResponseContentLengthMismatchError;
    if (isWhole || this.#endsAtHead) {
      this.#handler.end();
      return;
    }
    const fault = faultOf(error, this.started ? 'unknown' : 'unsent', this.#status > 0);
    if (!this.#aborted) this.#observer.failed?.(fault.name, error);
    this.#handler.fault(fault);
  }

  sendOn(client: PoolClient): void {
    const { method, target, headers, body } = this.#request;
    this.#client = client;
    const options = {
      method: method,
      path: target,
      headers: headers as string[],
      body: body.length === 0 ? null : body,
      // Without a constant name undici takes the name of `Host`, and reconnects when that name changes.
      servername: this.#server.hostname,
    };
    client.client.dispatch(options, this);
  }

  #release(isWhole: boolean): void {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) this.#clients.release(client, isWhole);
  }
}

function canceled(): Error {
  return new Error('the request was canceled');
}

/** Returns an empty phrase if the phrase is not ASCII. undici has decoded and perhaps damaged such bytes. */
function legalReason(reason: string): string {
  return /^[\t\x20-\x7e]*$/.test(reason) ? reason : '';
}
