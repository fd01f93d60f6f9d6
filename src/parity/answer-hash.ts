import { createHash, type Hash } from 'node:crypto';
import { type Fingerprint, fingerprintOf } from '../core/parity/fingerprint.ts';
import type { Reply, ReplyHead } from '../core/messages/reply.ts';

/** The fingerprint of an answer that comes in pieces. It hashes each piece, and keeps none. */
export class AnswerHash {
  readonly #head: ReplyHead;
  readonly #body: Hash = createHash('sha256');

  constructor(head: ReplyHead) {
    this.#head = head;
  }

  add(chunk: Buffer): void {
    this.#body.update(chunk);
  }

  end(): Fingerprint {
    return fingerprintOf(this.#head.status, this.#head.headers, this.#body.digest('base64'));
  }
}

export function fingerprintOfReply(reply: Reply): Fingerprint {
  const hash = new AnswerHash(reply);
  hash.add(reply.body);
  return hash.end();
}
