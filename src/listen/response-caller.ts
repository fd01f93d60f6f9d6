import type { ServerResponse } from 'node:http';
import type { Reply, ReplyHead } from '../core/messages/reply.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import { InvariantViolation } from '../core/invariants.ts';
import { linkFieldLengths } from '../core/links/field-links.ts';
import type { Call } from '../core/schedule/state.ts';
import type { Offer } from '../core/coding/offer.ts';
import type { Caller } from '../engine/caller.ts';
import type { AnswerCoding } from './answer-coding.ts';
import { notesOf } from './call-details.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { CodedOutput } from './coded-output.ts';
import type { CodedStream } from './coded-stream.ts';
import { explained } from './explain.ts';
import type { OverListener } from './exchange-listeners.ts';
import type { WriteBufferLimiter } from './write-buffer-limit.ts';
import { idField, writeHead, writeReply } from './write-reply.ts';
import type { TracedCall } from '../trace/traced-call.ts';

/** The resources that all callers of one server share. */
export interface ServerEdge {
  /** Time in ms after which a caller that reads no byte of a streamed answer is disconnected. */
  readonly stallMs: number;
  /** Returns the time in ms. */
  readonly now: () => number;
  readonly buffers: WriteBufferLimiter;
  /** Reports a caller that is disconnected because it reads too slowly. */
  readonly stalled: () => void;
  /** Returns the head of an answer as a client receives it. */
  readonly auth: { relayed<H extends ReplyHead>(exchange: ClientExchange, head: H): H };
  /** Rewrites links in the fields of an answer. Called only for an answer that can have such links. */
  readonly links: { relayed<H extends ReplyHead>(exchange: ClientExchange, head: H): H };
  /** Codes answers; `undefined` if the settings turn it off. */
  readonly coding: AnswerCoding | undefined;
  /** Called when the exchange of a caller is over. */
  readonly over: (caller: ResponseCaller) => void;
  /** Callers that wait for their answers to begin. */
  readonly pending: { delete(caller: ResponseCaller): void };
  /** See `keepAliveLines`. */
  readonly keepAlive: string;
}

/** The caller of one call, at an HTTP connection. */
export class ResponseCaller implements Caller, OverListener {
  readonly onlyXml: boolean;
  readonly trace: TracedCall | undefined;
  waitingSinceMs = 0;
  earlier: ResponseCaller | undefined;
  later: ResponseCaller | undefined;
  onDrained: (() => void) | undefined;
  /** Whether the proxy destroyed the connection. */
  wasCut = false;
  /** Whether the answer is one that the proxy asked for before this call. */
  isPrimed = false;
  /** `begun`: an answer is being streamed. `over`: the answer is complete, or the connection was destroyed. */
  #stage: 'waiting' | 'begun' | 'over' = 'waiting';
  /** The submitted call; `undefined` before that. */
  call: Call<Caller> | undefined;
  /** The stream of a coded answer. */
  #coded: CodedStream | undefined;
  readonly exchange: ClientExchange;
  readonly #edge: ServerEdge;

  constructor(exchange: ClientExchange, edge: ServerEdge) {
    this.exchange = exchange;
    this.#edge = edge;
    this.onlyXml = exchange.head.onlyXml;
    this.trace = exchange.trace;
  }

  get takesCodings(): boolean {
    return this.#response.req.httpVersion === '1.1';
  }

  over(): void {
    this.#edge.over(this);
  }

  get isWaiting(): boolean {
    return this.#stage === 'waiting';
  }

  answer(reply: Reply): void {
    this.#assertFirst();
    this.exchange.operation?.answered(reply.status, reply.headers);
    if (reply.cause !== undefined) notesOf(this.exchange).cause = reply.cause;
    const relayed = this.#relayed(reply);
    const { offer } = this.exchange.head;
    const sent = offer === undefined ? relayed : this.#codedReply(offer, relayed);
    if (sent !== undefined) writeReply(this.exchange, sent, this.#edge.keepAlive);
    this.#becomes('over');
    const bufferedBytes = this.#response.writableLength;
    if (bufferedBytes > 0 && !this.#reserveBuffer(bufferedBytes)) this.cutReader();
  }

  begin(head: ReplyHead, canPause: boolean): void {
    this.#assertFirst();
    this.exchange.operation?.answered(head.status, head.headers);
    this.exchange.follow();
    const relayed = this.#relayed(head);
    const { offer } = this.exchange.head;
    if (offer === undefined) this.#writeHead(relayed);
    else this.#beginCoded(offer, relayed, canPause);
    this.#becomes('begun');
  }

  write(chunk: Buffer): boolean {
    return this.#coded === undefined ? this.#write(chunk, this.#drained) : this.#coded.write(chunk);
  }

  /** Returns whether more may be written at once. If not, `drained` is called as soon as it may. */
  #write(chunk: Buffer, drained: () => void): boolean {
    const response = this.#response;
    // After a disconnect the `close` event ends the exchange, so no backpressure is needed.
    if (response.destroyed || response.write(chunk)) return true;
    if (this.#reserveBuffer(chunk.length)) return true;
    // `SlowReaders` watches responses that have a socket. A pipelined response without one needs its own timer.
    const waitsMs = response.socket === null ? this.#edge.stallMs : undefined;
    const stalled = waitsMs === undefined ? undefined : setTimeout(() => this.cutReader(), waitsMs);
    const over = (): void => clearTimeout(stalled);
    response.once('close', over);
    response.once('drain', () => {
      over();
      response.removeListener('close', over);
      drained();
    });
    return false;
  }

  readonly #drained = (): void => this.onDrained?.();

  end(): void {
    if (this.#coded === undefined) this.#response.end();
    else this.#coded.end();
    this.#becomes('over');
  }

  cut(): void {
    this.#becomes('over');
    this.wasCut = true;
    this.#response.destroy();
    // A pipelined response has no socket yet. On Node 20 `destroy` then has no effect on the connection.
    this.#response.req.socket.destroy();
  }

  cutReader(): void {
    if (this.wasCut) return;
    this.#edge.stalled();
    this.cut();
  }

  /** Returns the head as the client receives it. */
  #relayed<H extends ReplyHead>(head: H): H {
    const { exchange } = this;
    const told = exchange.head.explain
      ? explained(exchange, head, this.call, this.#edge.now())
      : head;
    const relayed = this.#edge.auth.relayed(exchange, told);
    return mayHaveLink(relayed.headers)
      ? this.#edge.links.relayed(this.exchange, relayed)
      : relayed;
  }

  /** Returns `undefined` if the answer is written later. */
  #codedReply(offer: Offer, reply: Reply): Reply | undefined {
    const { coding } = this.#edge;
    if (coding === undefined) return reply;
    return coding.reply(this.exchange, offer, reply, () => {
      this.exchange.follow();
      return this.#codedOutput(reply);
    });
  }

  #beginCoded(offer: Offer, head: ReplyHead, canPause: boolean): void {
    const { coding } = this.#edge;
    const output = (): CodedOutput => this.#codedOutput(head);
    const begun = coding?.begin(this.exchange, offer, head, canPause, output) ?? head;
    if (!('write' in begun)) {
      this.#writeHead(begun);
      return;
    }
    begun.onDrained = this.#drained;
    this.#coded = begun;
  }

  #codedOutput({ status, reason }: ReplyHead): CodedOutput {
    return {
      begin: (headers) => {
        if (this.#response.destroyed) return false;
        this.#writeHead({ status, reason, headers });
        return true;
      },
      write: (chunk, drained) => this.#write(chunk, drained),
      end: () => void this.#response.end(),
      broke: () => this.cut(),
    };
  }

  #writeHead(head: ReplyHead): void {
    const { answerId } = this.exchange;
    const id = answerId === undefined ? undefined : idField(answerId, head);
    writeHead(
      this.#response,
      id === undefined ? head : { ...head, headers: [...head.headers, ...id] },
    );
  }

  get #response(): ServerResponse {
    return this.exchange.response;
  }

  /** Whether the limits allow these buffered bytes. */
  #reserveBuffer(bytes: number): boolean {
    return this.#edge.buffers.reserve(this.#response, bytes, this.exchange.head.user);
  }

  #assertFirst(): void {
    if (this.#stage === 'waiting') return;
    throw new InvariantViolation('one_answer', 'a second answer to one caller');
  }

  #becomes(stage: 'begun' | 'over'): void {
    if (this.#stage === 'waiting') this.#edge.pending.delete(this);
    this.#stage = stage;
  }
}

/** A fast check: an answer that does not pass has no field with an absolute link. */
function mayHaveLink(headers: RawHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (!linkFieldLengths.has((headers[i] as string).length)) continue;
    if ((headers[i + 1] as string).includes('//')) return true;
  }
  return false;
}
