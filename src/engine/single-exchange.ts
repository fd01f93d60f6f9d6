/** A call that travels as itself: its answer streams to its caller as it comes, unread. */
import type { Fault } from '../core/answer/fault.ts';
import type { ReplyHead } from '../core/answer/reply.ts';
import { endToEndHeaders } from '../core/wire/http-message.ts';
import type { Exchange, ExchangeHandler } from '../upstream/exchange.ts';
import type { Caller } from './caller.ts';

export interface SingleExchangeHost {
  answered(status: number): void;
  /** The head as the caller gets it. */
  explained(head: ReplyHead): ReplyHead;
  /** Whether the caller still waits. From a first `true` on, it gets the answer as it comes. */
  begin(status: number): boolean;
  /** Exactly once. `undefined`: the answer is through. */
  settled(fault: Fault | undefined): void;
}

export class SingleExchange implements ExchangeHandler {
  readonly #caller: Caller;
  readonly #host: SingleExchangeHost;
  #exchange: Exchange | undefined;
  #streaming = false;

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
    this.#streaming = this.#host.begin(status);
    if (!this.#streaming) return;
    const head = { status, reason, headers: endToEndHeaders(headers) };
    this.#caller.begin(this.#host.explained(head));
  }

  data(chunk: Buffer): void {
    if (!this.#streaming || this.#caller.write(chunk)) return;
    this.#exchange?.pause();
    this.#caller.onDrained = () => this.#exchange?.resume();
  }

  end(): void {
    if (this.#streaming) this.#caller.end();
    this.#host.settled(undefined);
  }

  fault(fault: Fault): void {
    if (this.#streaming) this.#caller.cut();
    this.#host.settled(fault);
  }
}
