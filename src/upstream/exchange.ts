import type { Fault } from '../core/messages/fault.ts';

/** One request to the pool: a batch or a single request. */
export interface ExchangeRequest {
  readonly method: string;
  /** The exact bytes of the request target. */
  readonly target: string;
  /** Names and values in turn. `Content-Length` is added from the body. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The user that the request is sent for: the same object for all requests of one user. */
  readonly user: { readonly name: string };
  /** Whether the request changes nothing: a GET, or a batch of GETs. */
  readonly isSafe: boolean;
  /** Whether the call was sent before. Another server of the pool should then get it. */
  readonly isRetry: boolean;
  /**
   * Takes the only repetition of the calls. To be called before the request is sent to a second server, if the first
   * server may have seen it.
   *
   * @returns `false` if a call was already sent again
   */
  takeRepetition(): boolean;
}

/** Receives the events of one request: `head`, any number of `data`, then either `end` or `fault`. */
export interface ExchangeHandler {
  head(status: number, reason: string, headers: string[]): void;
  data(chunk: Buffer): void;
  end(): void;
  fault(fault: Fault): void;
}

/** A request in flight. */
export interface Exchange {
  /** Whether a byte of the request may have been sent. Before that the request cannot have run. */
  readonly started: boolean;
  /**
   * Stops reading the answer until `resume`. To be called only between `head` and `end`.
   *
   * @returns `false` if reading continues, because the connection closes after this answer
   */
  pause(): boolean;
  resume(): void;
  /** Whether `abort` was called. A request that had not started by then is never sent. */
  readonly isAborted: boolean;
  /** The server that the request was last sent to: its origin or its host. */
  readonly server: string | undefined;
  /** Cancels the request. The handler receives at most one more event, a `fault`. */
  abort(): void;
}

export interface Upstream {
  send(request: ExchangeRequest, handler: ExchangeHandler): Exchange;
  /** Number of open connections to the pool. */
  connections(): number;
  /** Cancels all requests, and resolves when all connections are closed. */
  stop(): Promise<void>;
}
