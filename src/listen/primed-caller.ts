import { relayedReply } from '../core/answer/fan-out.ts';
import type { Reply, ReplyHead } from '../core/messages/reply.ts';
import type { Caller } from '../engine/caller.ts';

/** The caller of a GET that the proxy asks for itself. It keeps the answer. */
export class PrimedCaller implements Caller {
  readonly onlyXml = false;
  readonly takesCodings = false;
  readonly onDrained = undefined;
  readonly #maxBytes: number;
  readonly #arrived: (reply: Reply | undefined) => void;
  #head: ReplyHead | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;

  /**
   * @param maxBytes limit for the body; a longer answer is not kept
   * @param arrived called with `undefined` if there is no complete answer
   */
  constructor(maxBytes: number, arrived: (reply: Reply | undefined) => void) {
    this.#maxBytes = maxBytes;
    this.#arrived = arrived;
  }

  answer(reply: Reply): void {
    this.#arrived(reply);
  }

  begin(head: ReplyHead): void {
    this.#head = head;
  }

  write(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#maxBytes) this.#chunks.push(Buffer.from(chunk));
    else this.#chunks = [];
    return true;
  }

  end(): void {
    if (this.#head === undefined || this.#bytes > this.#maxBytes) {
      this.#arrived(undefined);
      return;
    }
    const { status, reason, headers } = this.#head;
    this.#arrived(relayedReply(status, reason, headers, Buffer.concat(this.#chunks)));
  }

  cut(): void {
    this.#arrived(undefined);
  }

  cutReader(): void {
    this.#arrived(undefined);
  }
}
