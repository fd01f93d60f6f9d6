import type { ServerResponse } from 'node:http';
import type { Reply, ReplyHead } from '../core/answer/reply.ts';
import type { Caller } from '../engine/caller.ts';
import type { Unread } from './unread.ts';
import { writeHead, writeReply } from './write-reply.ts';

interface CallerTraits {
  readonly onlyXml: boolean;
  readonly explain: boolean;
  /** Whoever takes nothing of a streamed answer for so long is cut off. */
  readonly stallMs: number;
  readonly unread: Unread;
  /** Told when this caller is cut off for not reading. */
  readonly stalled: () => void;
}

/** A caller who waits at an HTTP connection. */
export class ResponseCaller implements Caller {
  readonly onlyXml: boolean;
  readonly explain: boolean;
  onDrained: (() => void) | undefined;
  /** Whether we broke the connection off. */
  wasCut = false;
  /** Whether an answer was begun: what went wrong before can still be said. */
  #begun = false;
  readonly #response: ServerResponse;
  readonly #stallMs: number;
  readonly #unread: Unread;
  readonly #stalled: () => void;

  constructor(response: ServerResponse, traits: CallerTraits) {
    this.#response = response;
    this.onlyXml = traits.onlyXml;
    this.explain = traits.explain;
    this.#stallMs = traits.stallMs;
    this.#unread = traits.unread;
    this.#stalled = traits.stalled;
  }

  answer(reply: Reply): void {
    const response = this.#response;
    if (this.#begun) {
      this.cut();
      return;
    }
    writeReply(response, reply);
    const unreadBytes = response.writableLength;
    if (unreadBytes > 0 && !this.#unread.keep(response, unreadBytes)) this.#cutReader();
  }

  begin(head: ReplyHead): void {
    writeHead(this.#response, head);
    this.#begun = true;
  }

  write(chunk: Buffer): boolean {
    const response = this.#response;
    // As for whole answers: the exchange is broken off when the connection's end is told.
    if (response.destroyed || response.write(chunk)) return true;
    if (this.#unread.keep(response, chunk.length)) return true;
    const stalled = setTimeout(() => this.#cutReader(), this.#stallMs);
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
  }

  cut(): void {
    this.wasCut = true;
    this.#response.destroy();
  }

  #cutReader(): void {
    this.#stalled();
    this.cut();
  }
}
