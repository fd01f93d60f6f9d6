/**
 * The exchange of a call that is sent without an envelope. Its answer streams to its caller; a refusal (429) is
 * buffered.
 */
import { relayedReply } from '../core/answer/fan-out.ts';
import type { Fault } from '../core/messages/fault.ts';
import { refused, isRefusal } from '../core/ucwa/protocol.ts';
import { transferCodings } from '../core/messages/odd-heads.ts';
import type { ReplyHead } from '../core/messages/reply.ts';
import {
  endToEndHeaders,
  keepDispositionBytes,
  keepsConnection,
} from '../core/messages/http-message.ts';
import type { Exchange, ExchangeHandler } from '../upstream/exchange.ts';
import type { Caller } from './caller.ts';
import { lostConnection, failureWithAnswer } from '../core/answer/failed-exchange.ts';
import type { Ending } from '../core/answer/ending.ts';

export interface SingleExchangeHost {
  answered(status: number): void;
  /** Whether the caller still waits. */
  waits(): boolean;
  /** The caller gets the answer as it comes from now on. */
  begun(status: number): void;
  internalError(error: unknown): void;
  /** Called exactly once. `complete`: the caller got the whole answer. */
  settled(ending: Ending): void;
}

/** Bound of the body of a refusal, in bytes. The body is buffered, because the caller may get it later. */
const maxRefusalBytes = 65_536;

export class SingleExchange implements ExchangeHandler {
  readonly #caller: Caller;
  readonly #host: SingleExchangeHost;
  #exchange: Exchange | undefined;
  /**
   * The head is kept until the body begins or ends. If the answer ends before that, the caller got nothing of
   * it.
   */
  #head: ReplyHead | undefined;
  #streaming = false;
  #settled = false;
  #refusal: { readonly reason: string; readonly headers: string[] } | undefined;
  #refusalBody: Buffer[] = [];
  #refusalBytes = 0;

  constructor(caller: Caller, host: SingleExchangeHost) {
    this.#caller = caller;
    this.#host = host;
  }

  /** Called once, after the request was passed to the upstream. */
  attach(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  head(status: number, reason: string, headers: string[]): void {
    this.#host.answered(status);
    if (isRefusal(status)) {
      this.#refusal = { reason, headers };
      return;
    }
    this.#head = { status, reason, headers };
  }

  data(chunk: Buffer): void {
    if (this.#refusal !== undefined) {
      this.#refusalBytes += chunk.length;
      if (this.#refusalBytes <= maxRefusalBytes) this.#refusalBody.push(Buffer.from(chunk));
      return;
    }
    this.#begin();
    if (!this.#streaming || this.#caller.write(chunk)) return;
    if (this.#exchange?.pause() === true) this.#caller.onDrained = () => this.#exchange?.resume();
    else this.#caller.cutReader();
  }

  end(): void {
    if (this.#refusal !== undefined) {
      this.#refuse(this.#refusal);
      return;
    }
    this.#begin();
    if (this.#streaming) this.#caller.end();
    this.#settle({ kind: 'complete' });
  }

  fault(fault: Fault): void {
    if (this.#refusal !== undefined) {
      this.#refuse(this.#refusal);
      return;
    }
    if (this.#streaming) this.#caller.cut();
    this.#settle(lostConnection(fault, this.#streaming));
  }

  #begin(): void {
    if (this.#head === undefined) return;
    const { status, reason, headers } = this.#head;
    this.#head = undefined;
    if (!this.#host.waits()) return;
    const codings = transferCodings(status, headers);
    if (codings !== undefined && !this.#caller.takesCodings) {
      this.#giveUp();
      return;
    }
    const endToEnd = endToEndHeaders(headers);
    if (codings !== undefined) endToEnd.push('Transfer-Encoding', codings);
    const kept = keepDispositionBytes(endToEnd);
    try {
      this.#caller.begin({ status, reason, headers: kept }, keepsConnection(headers));
    } catch (error) {
      // The head cannot be written as HTTP, and nothing of it was written.
      this.#host.internalError(error);
      this.#giveUp();
      return;
    }
    this.#streaming = true;
    this.#host.begun(status);
  }

  #giveUp(): void {
    const fault: Fault = { phase: 'unknown', name: 'http_protocol_error' };
    this.#settle({ kind: 'failure', cause: 'not_understood', fault });
    this.#exchange?.abort();
  }

  #refuse({ reason, headers }: { reason: string; headers: string[] }): void {
    const body = Buffer.concat(this.#refusalBody);
    const isCoded = transferCodings(429, headers) !== undefined;
    const reply = isCoded ? undefined : relayedReply(429, reason, headers, body);
    this.#settle(failureWithAnswer(refused.cause, refused.fault, headers, reply));
  }

  #settle(ending: Ending): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#host.settled(ending);
  }
}
