/**
 * The way to the pool, by undici: the only folder that imports it. What matters is the moment of
 * `onRequestStart`: before it no byte has left, so any call may be sent again; after it nobody
 * knows, until an answer comes.
 */
import { errors, Pool, type Dispatcher } from 'undici';
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

class UndiciExchange implements Exchange, Dispatcher.DispatchHandler {
  readonly #handler: ExchangeHandler;
  #controller: Dispatcher.DispatchController | undefined;
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
    return this.#controller !== undefined;
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort(new Error('nobody waits for the answer'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#aborted) {
      controller.abort(new Error('nobody waits for the answer'));
      return;
    }
    this.#controller = controller;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason?: string,
  ): void {
    // 102 to 199 announce an answer, they are none. A 100, for which nobody asked, undici refuses.
    if (status < 200) return;
    this.#status = status;
    const raw = (controller as { rawHeaders?: Array<Buffer | string> | null }).rawHeaders ?? [];
    const headers = raw.map((field) =>
      typeof field === 'string' ? field : field.toString('latin1'),
    );
    this.#handler.head(status, legalReason(reason), headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.data(chunk);
  }

  onResponseEnd(): void {
    this.#handler.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // A 304 says how long the body would be that it does not have (RFC 9110 section 8.6).
    const isWhole =
      this.#status === 304 && error instanceof errors.ResponseContentLengthMismatchError;
    if (isWhole) this.#handler.end();
    else this.#handler.fault(faultOf(error, this.started ? 'unknown' : 'unsent', this.#status > 0));
  }
}

/** A phrase that was no ASCII has been decoded, and perhaps damaged; nobody reads it. */
function legalReason(reason: string | undefined): string {
  return reason !== undefined && /^[\t\x20-\x7e]*$/.test(reason) ? reason : '';
}
