import type { ServerResponse } from 'node:http';
import type { Reply, ReplyHead } from '../core/answer/reply.ts';
import type { Caller } from '../engine/caller.ts';
import { writeHead, writeReply } from './write-reply.ts';

interface CallerTraits {
  readonly onlyXml: boolean;
  readonly explain: boolean;
  /** Whoever takes nothing of a streamed answer for so long is cut off. */
  readonly stallMs: number;
  /** Told of it before. */
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
  readonly #stalled: () => void;

  constructor(response: ServerResponse, { onlyXml, explain, stallMs, stalled }: CallerTraits) {
    this.#response = response;
    this.onlyXml = onlyXml;
    this.explain = explain;
    this.#stallMs = stallMs;
    this.#stalled = stalled;
  }

  answer(reply: Reply): void {
    if (this.#begun) this.cut();
    else writeReply(this.#response, reply);
  }

  begin(head: ReplyHead): void {
    writeHead(this.#response, head);
    this.#begun = true;
  }

  write(chunk: Buffer): boolean {
    const response = this.#response;
    // As for whole answers: the exchange is broken off when the connection's end is told.
    if (response.destroyed || response.write(chunk)) return true;
    const stalled = setTimeout(() => {
      this.#stalled();
      this.cut();
    }, this.#stallMs);
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
}
