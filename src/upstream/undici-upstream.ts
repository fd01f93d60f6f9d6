/**
 * The way to the pool, by undici: the only folder that imports it. What matters is the moment of
 * `onConnect`: before it no byte has left, so any call may be sent again; after it nobody knows, until
 * an answer comes.
 */
import { errors, Pool, type Dispatcher } from 'undici';
import { headerValue, namedByConnection } from '../core/wire/http-message.ts';
import type { Exchange, ExchangeHandler, ExchangeRequest, Upstream } from './exchange.ts';
import { faultOf } from './fault-of.ts';
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
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const pool = new Pool(options.url.origin, {
    connections: options.maxConnections,
    pipelining: 1,
    keepAliveTimeout: options.idleTimeoutMs,
    keepAliveMaxTimeout: options.idleTimeoutMs,
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    allowH2: false,
    connect: poolConnector(options.connectTimeoutMs, options.tls),
  });
  return {
    send(request, handler) {
      return new UndiciExchange(pool, request, handler);
    },
    connections: () => pool.stats.connected,
    stop: () => pool.destroy(),
  };
}

/**
 * Speaks undici's first interface of handlers, which it calls deprecated: the second is laid around it
 * and reads all header fields once more, into an object that nobody here wants. That alone took 1.2 %
 * of all CPU at full load, and a lone call 0.1 ms (docs/performance.md).
 */
class UndiciExchange implements Exchange, Dispatcher.DispatchHandler {
  readonly #handler: ExchangeHandler;
  #break: ((reason: Error) => void) | undefined;
  #readOn: (() => void) | undefined;
  #paused = false;
  #headers: readonly string[] = [];
  #status = 0;
  #aborted = false;

  constructor(pool: Pool, request: ExchangeRequest, handler: ExchangeHandler) {
    this.#handler = handler;
    pool.dispatch(
      {
        method: request.method,
        path: request.target,
        headers: request.headers as string[],
        body: request.body.length === 0 ? null : request.body,
      },
      this,
    );
  }

  get started(): boolean {
    return this.#break !== undefined;
  }

  pause(): boolean {
    this.#paused = isOutlived(this.#headers);
    return this.#paused;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#readOn?.();
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#break?.(nobodyWaits());
  }

  onConnect(abort: (reason?: Error) => void): void {
    if (this.#aborted) abort(nobodyWaits());
    else this.#break = abort;
  }

  /** @returns whether to read on, as `onData` does */
  onHeaders(status: number, raw: Buffer[], readOn: () => void, reason: string): boolean {
    // 102 to 199 announce an answer, they are none. A 100, for which nobody asked, undici refuses.
    if (status < 200) return true;
    this.#status = status;
    this.#readOn = readOn;
    const headers = raw.map((field) => field.toString('latin1'));
    this.#headers = headers;
    this.#handler.head(status, legalReason(reason), headers);
    return !this.#paused;
  }

  onData(chunk: Buffer): boolean {
    this.#handler.data(chunk);
    return !this.#paused;
  }

  onComplete(): void {
    this.#handler.end();
  }

  onError(error: Error): void {
    // A 304 says how long the body would be that it does not have (RFC 9110 section 8.6).
    const isWhole =
      this.#status === 304 && error instanceof errors.ResponseContentLengthMismatchError;
    if (isWhole) this.#handler.end();
    else this.#handler.fault(faultOf(error, this.started ? 'unknown' : 'unsent', this.#status > 0));
  }
}

/**
 * Whether the connection is to outlive the answer. Else undici cannot hear its end while it is paused:
 * it throws where nobody can catch it (`finish` in its `client-h1.js`), and the process would end.
 */
function isOutlived(headers: readonly string[]): boolean {
  const isFramed =
    headerValue(headers, 'content-length') !== undefined ||
    headerValue(headers, 'transfer-encoding') !== undefined;
  return isFramed && !namedByConnection(headers).has('close');
}

function nobodyWaits(): Error {
  return new Error('nobody waits for the answer');
}

/** A phrase that was no ASCII has been decoded, and perhaps damaged; nobody reads it. */
function legalReason(reason: string): string {
  return /^[\t\x20-\x7e]*$/.test(reason) ? reason : '';
}
