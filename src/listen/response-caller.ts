import type { ServerResponse } from 'node:http';
import type { Reply, ReplyHead } from '../core/answer/reply.ts';
import { InvariantViolation } from '../core/invariants.ts';
import type { Caller } from '../engine/caller.ts';
import type { Unread } from './unread.ts';
import type { WaitingCallers } from './waiting-callers.ts';
import { writeHead, writeReply } from './write-reply.ts';

interface CallerTraits {
  readonly onlyXml: boolean;
  readonly explain: boolean;
  /** Whoever takes nothing of a streamed answer for so long is cut off. */
  readonly stallMs: number;
  readonly unread: Unread;
  /** The credential. */
  readonly user: string;
  /** Told when this caller is cut off for not reading. */
  readonly stalled: () => void;
  /** Where it stands until its answer begins. */
  readonly waiting: Pick<WaitingCallers, 'delete'>;
}

/** A caller who waits at an HTTP connection. */
export class ResponseCaller implements Caller {
  readonly onlyXml: boolean;
  readonly explain: boolean;
  waitsSinceMs = 0;
  earlier: ResponseCaller | undefined;
  later: ResponseCaller | undefined;
  onDrained: (() => void) | undefined;
  /** Whether we broke the connection off. */
  wasCut = false;
  /** `begun`: streams. Whoever is answered or cut off hears nothing more. */
  #stage: 'waiting' | 'begun' | 'over' = 'waiting';
  readonly #response: ServerResponse;
  readonly #stallMs: number;
  readonly #unread: Unread;
  readonly #user: string;
  readonly #stalled: () => void;
  readonly #waiting: CallerTraits['waiting'];

  constructor(response: ServerResponse, traits: CallerTraits) {
    this.#response = response;
    this.onlyXml = traits.onlyXml;
    this.explain = traits.explain;
    this.#stallMs = traits.stallMs;
    this.#unread = traits.unread;
    this.#user = traits.user;
    this.#stalled = traits.stalled;
    this.#waiting = traits.waiting;
  }

  get isWaiting(): boolean {
    return this.#stage === 'waiting';
  }

  answer(reply: Reply): void {
    this.#assertFirst();
    const response = this.#response;
    writeReply(response, reply);
    this.#becomes('over');
    const unreadBytes = response.writableLength;
    if (unreadBytes > 0 && !this.#unread.keep(response, unreadBytes, this.#user)) this.cutReader();
  }

  begin(head: ReplyHead): void {
    this.#assertFirst();
    writeHead(this.#response, head);
    this.#becomes('begun');
  }

  write(chunk: Buffer): boolean {
    const response = this.#response;
    // As for whole answers: the exchange is broken off when the connection's end is told.
    if (response.destroyed || response.write(chunk)) return true;
    if (this.#unread.keep(response, chunk.length, this.#user)) return true;
    // Who reads, however slowly, is watched with all other readers; here is who waits for his turn.
    const waitsMs = response.socket === null ? this.#stallMs : undefined;
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
    this.#stalled();
    this.cut();
  }

  #assertFirst(): void {
    if (this.#stage === 'waiting') return;
    throw new InvariantViolation('one_answer', 'a second answer to one caller');
  }

  #becomes(stage: 'begun' | 'over'): void {
    this.#stage = stage;
    this.#waiting.delete(this);
  }
}
