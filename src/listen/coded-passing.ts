/** Codes the answer to one passed-through request. */
import { lengthIn } from '../core/coding/coded-head.ts';
import type { Offer } from '../core/coding/offer.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import type { ReplyHead } from '../core/messages/reply.ts';
import { mayHaveToken } from '../core/ucwa/token-answers.ts';
import type { BodyCoder, BodyRewrite, CoderOutput } from '../pass-through/pass-through-call.ts';
import type { AnswerCoding } from './answer-coding.ts';
import type { ClientExchange } from './client-exchange.ts';

export class CodedPassing {
  readonly #coding: AnswerCoding;
  readonly #exchange: ClientExchange;
  readonly #offer: Offer;

  /** Returns `undefined` if the answer must not be coded. */
  static create(
    coding: AnswerCoding,
    exchange: ClientExchange,
    offer: Offer,
    target: string,
  ): CodedPassing | undefined {
    if (exchange.isBound || mayHaveToken(target)) return undefined;
    return new CodedPassing(coding, exchange, offer);
  }

  private constructor(coding: AnswerCoding, exchange: ClientExchange, offer: Offer) {
    this.#coding = coding;
    this.#exchange = exchange;
    this.#offer = offer;
  }

  /** @param original the fields of the answer of the pool */
  bodiless(status: number, fields: RawHeaders, original: RawHeaders): RawHeaders {
    const length = lengthIn(original);
    return this.#coding.bodiless(this.#exchange, this.#offer, status, fields, length);
  }

  afterRewrite(status: number, rewrite: BodyRewrite): BodyRewrite {
    return this.#coding.afterRewrite(this.#exchange, this.#offer, status, rewrite);
  }

  /** Returns the coder of a body that streams. A client that reads slowly stops the answer of the pool at once. */
  coder(head: ReplyHead, { begin, ended, broke }: CoderOutput): BodyCoder | undefined {
    const { response } = this.#exchange;
    const output = {
      begin,
      broke,
      end: ended,
      write(chunk: Buffer, drained: () => void): boolean {
        if (response.destroyed || response.write(chunk)) return true;
        response.once('drain', drained);
        return false;
      },
    };
    const options = { maxBufferedBytes: 0, canPause: true };
    return this.#coding.stream(this.#exchange, this.#offer, head, () => output, options);
  }
}
