import type { ServerResponse } from 'node:http';
import type { Reply, ReplyHead } from '../core/answer/reply.ts';
import type { Caller } from '../engine/caller.ts';
import { writeHead, writeReply } from './write-reply.ts';

/** A caller who waits at an HTTP connection. */
export class ResponseCaller implements Caller {
  readonly onlyXml: boolean;
  readonly explain: boolean;
  onDrained: (() => void) | undefined;
  /** Whether an answer was begun: what went wrong before can still be said. */
  #begun = false;
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, onlyXml: boolean, explain: boolean) {
    this.#response = response;
    this.onlyXml = onlyXml;
    this.explain = explain;
  }

  answer(reply: Reply): void {
    if (this.#begun) this.cut();
    else writeReply(this.#response, reply);
  }

  begin(head: ReplyHead): void {
    this.#begun = true;
    writeHead(this.#response, head);
  }

  write(chunk: Buffer): boolean {
    if (this.#response.write(chunk)) return true;
    this.#response.once('drain', () => this.onDrained?.());
    return false;
  }

  end(): void {
    this.#response.end();
  }

  cut(): void {
    this.#response.destroy();
  }
}
