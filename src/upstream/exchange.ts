import type { Fault } from '../core/messages/fault.ts';

/** One request to the pool, ready to be written. */
export interface ExchangeRequest {
  readonly method: string;
  /** The request target, byte for byte. */
  readonly target: string;
  /** Flat list; `Content-Length` is added from the body. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** On whose behalf it is sent: the same object for all requests of a user. */
  readonly user: object;
}

/** What happens to a request, as it happens: `head`, `data`…, then one of `end` and `fault`. */
export interface ExchangeHandler {
  head(status: number, reason: string, headers: string[]): void;
  data(chunk: Buffer): void;
  end(): void;
  fault(fault: Fault): void;
}

/** A request under way. */
export interface Exchange {
  /** Whether a byte of it may have left; until then it is certain that it did not run. */
  readonly started: boolean;
  /**
   * Stops reading the answer until `resume`. Only while it comes. `false`: it cannot be held up, since
   * the connection ends with it.
   */
  pause(): boolean;
  resume(): void;
  /** Whether it was broken off; what had not started by then never does. */
  readonly isAborted: boolean;
  /** Breaks it off; the handler hears no more than one `fault`. */
  abort(): void;
}

export interface Upstream {
  send(request: ExchangeRequest, handler: ExchangeHandler): Exchange;
  /** Open connections to the pool. */
  connections(): number;
  /** Breaks off what is under way. */
  stop(): Promise<void>;
}
