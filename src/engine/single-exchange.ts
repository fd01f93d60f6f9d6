/** A call that travels as itself: its answer streams to its caller as it comes, unread. */
import type { Fault } from '../core/answer/fault.ts';
import type { ReplyHead } from '../core/answer/reply.ts';
import { keepDispositionBytes } from '../core/wire/disposition-bytes.ts';
import { endToEndHeaders } from '../core/wire/http-message.ts';
import type { Exchange, ExchangeHandler } from '../upstream/exchange.ts';
import type { Caller } from './caller.ts';

export interface SingleExchangeHost {
  answered(status: number): void;
  /** Whether the caller still waits. */
  waits(): boolean;
  /** The head as the caller gets it. */
  explained(head: ReplyHead): ReplyHead;
  /** From now on the caller gets the answer as it comes. */
  begun(status: number): void;
  internalError(error: unknown): void;
  /** Exactly once. `undefined`: the answer is through. */
  settled(fault: Fault | undefined): void;
}

export class SingleExchange implements ExchangeHandler {
  readonly #caller: Caller;
  readonly #host: SingleExchangeHost;
  #exchange: Exchange | undefined;
  #streaming = false;
  #settled = false;

  constructor(caller: Caller, host: SingleExchangeHost) {
    this.#caller = caller;
    this.#host = host;
  }

  /** Called once, after the request was handed over. */
  attach(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  head(status: number, reason: string, headers: string[]): void {
    this.#host.answered(status);
    if (!this.#host.waits()) return;
    const kept = keepDispositionBytes(endToEndHeaders(headers));
    try {
      this.#caller.begin(this.#host.explained({ status, reason, headers: kept }));
    } catch (error) {
      // An answer that cannot be written as HTTP: nothing of it was.
      this.#host.internalError(error);
      this.#settle({ phase: 'unknown', name: 'http_protocol_error' });
      this.#exchange?.abort();
      return;
    }
    this.#streaming = true;
    this.#host.begun(status);
  }

  data(chunk: Buffer): void {
    if (!this.#streaming || this.#caller.write(chunk)) return;
    this.#exchange?.pause();
    this.#caller.onDrained = () => this.#exchange?.resume();
  }

  end(): void {
    if (this.#streaming) this.#caller.end();
    this.#settle(undefined);
  }

  fault(fault: Fault): void {
    if (this.#streaming) this.#caller.cut();
    this.#settle(fault);
  }

  #settle(fault: Fault | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#host.settled(fault);
  }
}
