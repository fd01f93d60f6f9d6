import type { ServerResponse } from 'node:http';
import type { Reply, ReplyHead } from '../core/messages/reply.ts';
import { InvariantViolation } from '../core/invariants.ts';
import type { Call } from '../core/schedule/state.ts';
import type { Caller } from '../engine/caller.ts';
import type { ClientExchange, OverListener } from './client-exchange.ts';
import type { WriteBufferLimiter } from './write-buffer-limit.ts';
import { writeHead, writeReply } from './write-reply.ts';

/** What all callers of one server have in common. */
export interface ServerEdge {
  /** Whoever takes nothing of a streamed answer for so long is cut off. */
  readonly stallMs: number;
  readonly buffers: WriteBufferLimiter;
  /** Told when a caller is cut off for not reading. */
  readonly stalled: () => void;
  /** The head of an answer, as that client gets it. */
  readonly relayed: <H extends ReplyHead>(exchange: ClientExchange, head: H) => H;
  /** Told when the exchange of a caller whose call was taken in is over. */
  readonly over: (caller: ResponseCaller) => void;
  /** Where callers stand until their answers begin. */
  readonly pending: { delete(caller: ResponseCaller): void };
  /** See `keepAliveLines`. */
  readonly keepAlive: string;
}

/** A caller who waits at an HTTP connection. */
export class ResponseCaller implements Caller, OverListener {
  readonly onlyXml: boolean;
  readonly explain: boolean;
  waitingSinceMs = 0;
  earlier: ResponseCaller | undefined;
  later: ResponseCaller | undefined;
  onDrained: (() => void) | undefined;
  /** Whether we broke the connection off. */
  wasCut = false;
  /** `begun`: streams. Whoever is answered or cut off hears nothing more. */
  #stage: 'waiting' | 'begun' | 'over' = 'waiting';
  /** What it waits for, once that has been taken in. */
  call: Call<Caller> | undefined;
  readonly exchange: ClientExchange;
  readonly #edge: ServerEdge;

  constructor(exchange: ClientExchange, edge: ServerEdge) {
    const { onlyXml, explain } = exchange.head;
    this.exchange = exchange;
    this.#edge = edge;
    this.onlyXml = onlyXml;
    this.explain = explain;
  }

  get takesCodings(): boolean {
    return this.#response.req.httpVersion !== '1.0';
  }

  over(): void {
    this.#edge.over(this);
  }

  get isWaiting(): boolean {
    return this.#stage === 'waiting';
  }

  answer(reply: Reply): void {
    this.#assertFirst();
    writeReply(this.exchange, this.#edge.relayed(this.exchange, reply), this.#edge.keepAlive);
    this.#becomes('over');
    const bufferedBytes = this.#response.writableLength;
    if (bufferedBytes > 0 && !this.#reserveBuffer(bufferedBytes)) this.cutReader();
  }

  begin(head: ReplyHead): void {
    this.#assertFirst();
    this.exchange.follow();
    writeHead(this.#response, this.#edge.relayed(this.exchange, head));
    this.#becomes('begun');
  }

  write(chunk: Buffer): boolean {
    const response = this.#response;
    // As for whole answers: the exchange is broken off when the connection's end is told.
    if (response.destroyed || response.write(chunk)) return true;
    if (this.#reserveBuffer(chunk.length)) return true;
    // Who reads, however slowly, is watched with all other readers; here is who waits for his turn.
    const waitsMs = response.socket === null ? this.#edge.stallMs : undefined;
    const stalled = waitsMs === undefined ? undefined : setTimeout(() => this.cutReader(), waitsMs);
    const over = (): void => clearTimeout(stalled);
    response.once('close', over);
    response.once('drain', () => {
      over();
      response.removeListener('close', over);
      this.onDrained?.();
    });
    return false;
  }

  end(): void {
    this.#response.end();
    this.#becomes('over');
  }

  cut(): void {
    this.#becomes('over');
    this.wasCut = true;
    this.#response.destroy();
    // An answer that waits behind another one has no socket yet, and on Node 20 tells nobody.
    this.#response.req.socket.destroy();
  }

  cutReader(): void {
    if (this.wasCut) return;
    this.#edge.stalled();
    this.cut();
  }

  get #response(): ServerResponse {
    return this.exchange.response;
  }

  /** Whether so many bytes that it did not take may be kept for it. */
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
