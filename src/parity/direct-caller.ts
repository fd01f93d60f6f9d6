import type { Reply, ReplyHead } from '../core/messages/reply.ts';
import { type Fingerprint, noAnswer } from '../core/parity/fingerprint.ts';
import type { Caller } from '../engine/caller.ts';
import { AnswerHash, fingerprintOfReply } from './answer-hash.ts';

/** The caller of a direct GET that the proxy sends for a comparison. It reports the fingerprint of the answer, once. */
export class DirectCaller implements Caller {
  readonly onlyXml = false;
  readonly takesCodings = false;
  readonly onDrained = undefined;
  /** Whether the GET had to be sent again. A client that asks directly would have got no answer to the first request. */
  wasRepeated = false;
  #answered: ((fingerprint: Fingerprint) => void) | undefined;
  #hash: AnswerHash | undefined;

  /** @param answered may be called while the engine is busy */
  constructor(answered: (fingerprint: Fingerprint) => void) {
    this.#answered = answered;
  }

  answer(reply: Reply): void {
    this.#report(reply.cause === undefined ? fingerprintOfReply(reply) : noAnswer);
  }

  begin(head: ReplyHead): void {
    this.#hash = new AnswerHash(head);
  }

  write(chunk: Buffer): boolean {
    this.#hash?.add(chunk);
    return true;
  }

  end(): void {
    this.#report(this.#hash?.end() ?? noAnswer);
  }

  cut(): void {
    this.#report(noAnswer);
  }

  cutReader(): void {
    this.#report(noAnswer);
  }

  #report(fingerprint: Fingerprint): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(this.wasRepeated ? noAnswer : fingerprint);
  }
}
