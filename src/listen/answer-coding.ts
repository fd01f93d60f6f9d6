/**
 * Codes answers with gzip or br for clients that accept it (docs/decisions/021-compression.md). An answer that the pool
 * has coded stays as it is.
 */
import { headOf } from '../core/answer/fan-out.ts';
import {
  codedHead,
  lengthIn,
  mayCode,
  notModifiedHead,
  variedHead,
} from '../core/coding/coded-head.ts';
import type { Coding, Offer } from '../core/coding/offer.ts';
import { fieldLines, type RawHeaders } from '../core/messages/http-message.ts';
import type { Reply, ReplyHead } from '../core/messages/reply.ts';
import type { BodyRewrite } from '../pass-through/pass-through-call.ts';
import { codedBody } from './body-coding.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { CodedOutput, CodedStreamOptions, EncoderLimit } from './coded-output.ts';
import { CodedStream } from './coded-stream.ts';

export interface AnswerCodingLimits {
  /** Limit for the bytes of one answer that wait for its encoder. */
  readonly maxBytesEach: number;
  /** Limit for the memory of all encoders, and of the bytes that wait for them. */
  readonly maxBytes: number;
}

const notModified = 304;

/** Longer bodies are coded outside of the event loop, always with gzip. */
const maxBytesAtOnce: Readonly<Record<Coding, number>> = { gzip: 65_536, br: 524_288 };

/**
 * The shortest body that is coded if the pool coded its batch. This pool would have coded the direct answer too. Below
 * this size a coding saves almost no bytes.
 */
const smallMinBytes = 512;

/** The last head, because the parts of one batch mostly have the same fields. */
interface LastHead {
  readonly from: RawHeaders;
  readonly status: number;
  readonly reason: string;
  readonly coding: Coding;
  readonly headers: RawHeaders;
  readonly head: Buffer | undefined;
}

export class AnswerCoding implements EncoderLimit {
  readonly #limits: AnswerCodingLimits;
  #bytes = 0;
  #last: LastHead | undefined;

  constructor(limits: AnswerCodingLimits) {
    this.#limits = limits;
  }

  /** Memory of all encoders, and of the bytes that wait for them. */
  get usedBytes(): number {
    return this.#bytes;
  }

  acquire(bytes: number): boolean {
    if (this.#bytes + bytes > this.#limits.maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  /**
   * Returns the answer as the client receives it; `undefined` if the answer is written to `output` later.
   *
   * @param output called at most once
   */
  reply(
    exchange: ClientExchange,
    offer: Offer,
    reply: Reply,
    output: () => CodedOutput,
  ): Reply | undefined {
    const { status, headers, body } = reply;
    if (status === notModified) return this.#notModified(exchange, reply);
    const { whole, minBytes } = offer;
    if (body.length < smallMinBytes && body.length < minBytes) return reply;
    if (body.length < minBytes && reply.wasCoded !== true) return reply;
    const known = this.#knownHead(reply, whole);
    if (known === undefined && !this.#mayCode(exchange, reply)) return reply;
    if (body.length > maxBytesAtOnce[whole]) {
      const { maxBytesEach } = this.#limits;
      const stream = new CodedStream(headers, offer, this, output(), {
        maxBufferedBytes: maxBytesEach,
        canPause: true,
      });
      exchange.addRelease(() => stream.stop());
      if (stream.encode(body)) return undefined;
      return { ...reply, headers: variedHead(headers), head: undefined };
    }
    const coded = codedBody(whole, body);
    if (coded === undefined) return { ...reply, headers: variedHead(headers), head: undefined };
    const sent = known ?? this.#codeHead(reply, whole);
    return { ...reply, headers: sent.headers, head: sent.head, body: coded };
  }

  /**
   * Returns the head of an answer that begins, as the client receives it.
   *
   * @param canPause see `CodedStreamOptions`
   * @returns the stream for its body, if the answer is coded. The stream writes the head.
   */
  begin(
    exchange: ClientExchange,
    offer: Offer,
    head: ReplyHead,
    canPause: boolean,
    output: () => CodedOutput,
  ): ReplyHead | CodedStream {
    if (head.status === notModified) return this.#notModified(exchange, head);
    const options = { maxBufferedBytes: this.#limits.maxBytesEach, canPause };
    return this.stream(exchange, offer, head, output, options) ?? head;
  }

  /** Returns the stream for an answer that begins; `undefined` if the answer is not coded. */
  stream(
    exchange: ClientExchange,
    offer: Offer,
    head: ReplyHead,
    output: () => CodedOutput,
    options: CodedStreamOptions,
  ): CodedStream | undefined {
    const { headers } = head;
    if ((lengthIn(headers) ?? Infinity) < offer.minBytes) return undefined;
    if (!this.#mayCode(exchange, head)) return undefined;
    const stream = new CodedStream(headers, offer, this, output(), options);
    exchange.addRelease(() => stream.stop());
    return stream;
  }

  /**
   * Returns the fields of an answer without a body, as those of the same answer with its body.
   *
   * @param length the `Content-Length` of the answer of the pool
   */
  bodiless(
    exchange: ClientExchange,
    offer: Offer,
    status: number,
    fields: RawHeaders,
    length: number | undefined,
  ): RawHeaders {
    if (status === notModified) return notModifiedHead(fields, exchange.head.headers);
    if (exchange.request.method !== 'HEAD') return fields;
    const head = { status, reason: '', headers: fields };
    if (!this.#mayCode(exchange, head)) return fields;
    if (length === undefined) return variedHead(fields);
    return length < offer.minBytes ? fields : codedHead(fields, offer.whole);
  }

  /** Codes the body that a rewrite returns. */
  afterRewrite(
    exchange: ClientExchange,
    offer: Offer,
    status: number,
    rewrite: BodyRewrite,
  ): BodyRewrite {
    return {
      ...rewrite,
      rewrite: (bytes) => {
        const rewritten = rewrite.rewrite(bytes);
        const { headers, body } = rewritten;
        const isLong = body.length >= offer.minBytes;
        if (!isLong || !this.#mayCode(exchange, { status, reason: '', headers })) return rewritten;
        const coded = codedBody(offer.whole, body);
        if (coded === undefined) return rewritten;
        const fields = codedHead(headers, offer.whole);
        return { headers: [...fields, 'Content-Length', String(coded.length)], body: coded };
      },
    };
  }

  /** A head that cannot be written is not coded, so that the error is reported as for every other answer. */
  #mayCode({ request }: ClientExchange, { status, reason, headers }: ReplyHead): boolean {
    return (
      request.httpVersion !== '1.0' &&
      mayCode(status, headers) &&
      fieldLines(headers) !== undefined &&
      !/[^\t\x20-\x7e\x80-\xff]/.test(reason)
    );
  }

  #notModified<H extends ReplyHead>(exchange: ClientExchange, answer: H): H {
    const headers = notModifiedHead(answer.headers, exchange.head.headers);
    // The cached encoding is invalid now.
    return headers === answer.headers ? answer : { ...answer, headers, head: undefined };
  }

  #knownHead({ status, reason, headers: from }: Reply, coding: Coding): LastHead | undefined {
    const last = this.#last;
    if (last?.from !== from || last.status !== status) return undefined;
    return last.reason === reason && last.coding === coding ? last : undefined;
  }

  #codeHead({ status, reason, headers: from }: Reply, coding: Coding): LastHead {
    const headers = codedHead(from, coding);
    const head = headOf(status, reason, headers);
    return (this.#last = { from, status, reason, coding, headers, head });
  }
}
