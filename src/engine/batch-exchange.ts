/** One batch on the wire. It turns the parts of the answer into answers of the calls as they come. */
import type { FailureCause, Fault, FaultName } from '../core/messages/fault.ts';
import { PartReplies, relayedReply } from '../core/answer/fan-out.ts';
import {
  coded,
  interpretBatchResponse,
  interpretSharedResponse,
  type Interpretation,
} from '../core/ucwa/protocol.ts';
import type { Asked, Reply } from '../core/messages/reply.ts';
import { contradicts } from '../core/ucwa/protocol.ts';
import { MultipartParser } from '../core/wire/multipart-parser.ts';
import type { ExchangeHandler } from '../upstream/exchange.ts';
import { createInflater, type Inflater } from './inflate.ts';
import type { ProtocolError } from './observer.ts';
import { lostConnection, failureWithAnswer } from '../core/answer/failed-exchange.ts';
import type { Ending } from '../core/answer/ending.ts';
import { decodedHead } from '../core/coding/coded-head.ts';

export interface BatchExchangeHost {
  answered(status: number): void;
  protocolError(kind: ProtocolError): void;
  /** Whether this number of bytes of answers may be buffered in addition. */
  reserve(bytes: number): boolean;
  /**
   * Takes a whole part.
   *
   * @param early whether the part may be released before the count of parts is known
   */
  part(index: number, reply: Reply | Fault, early: boolean): void;
  /** Called exactly once. */
  settled(ending: Ending): void;
  /** Aborts the exchange. The handler settles on its own. */
  abort(): void;
}

const maxPreambleBytes = 4096;
const notUnderstood: Fault = { phase: 'unknown', name: 'http_protocol_error' };

export class BatchExchange implements ExchangeHandler {
  /** The calls in the order of the parts of the request. */
  readonly #asked: readonly Asked[];
  /** Whether the request is a single call without an envelope. Any answer is then the answer to this call. */
  readonly #isUnwrapped: boolean;
  readonly #maxBytes: number;
  readonly #host: BatchExchangeHost;
  #interpretation: Interpretation = { kind: 'relay' };
  #parser: MultipartParser | undefined;
  #inflater: Inflater | undefined;
  #given = 0;
  #givesSoon = false;
  #head = { status: 0, reason: '', headers: [] as string[] };
  #replies = new PartReplies([]);
  #relayed: Buffer[] = [];
  #bytes = 0;
  #codedBytes = 0;
  #over = false;

  constructor(
    asked: readonly Asked[],
    isUnwrapped: boolean,
    maxBytes: number,
    host: BatchExchangeHost,
  ) {
    this.#asked = asked;
    this.#isUnwrapped = isUnwrapped;
    this.#maxBytes = maxBytes;
    this.#host = host;
  }

  head(status: number, reason: string, headers: string[]): void {
    this.#host.answered(status);
    this.#head = { status, reason, headers };
    const interpret = this.#isUnwrapped ? interpretSharedResponse : interpretBatchResponse;
    const interpretation = interpret(status, headers);
    this.#interpretation = interpretation;
    if (interpretation.kind === 'parts') {
      this.#replies = new PartReplies(headers);
      this.#parser = new MultipartParser(interpretation.boundary, {
        maxParts: this.#asked.length,
        maxPreambleBytes,
      });
      if (interpretation.coding !== undefined) this.#inflate(interpretation.coding);
    } else if (interpretation.kind === 'failure' && !interpretation.relayable) {
      const { cause, fault } = interpretation;
      const isUnreadable =
        interpretation === coded || fault.name === 'http_response_content_coding';
      if (isUnreadable) this.#host.protocolError('coding');
      else if (status === 200) this.#host.protocolError('not_multipart');
      this.#settle(failureWithAnswer(cause, fault, headers));
      this.#host.abort();
    } else if (interpretation.coding !== undefined) {
      this.#head = { status, reason, headers: decodedHead(headers) };
      this.#inflate(interpretation.coding);
    }
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#inflater === undefined) {
      this.#take(chunk);
      return;
    }
    // The compressed bytes are bounded like the inflated ones.
    this.#codedBytes += chunk.length;
    if (this.#codedBytes <= this.#maxBytes) this.#inflater.write(chunk);
    else this.#breakOff('too_large', 'answer_too_large', 'http_response_body_size');
  }

  end(): void {
    if (this.#over) return;
    if (this.#inflater === undefined) this.#finish();
    else this.#inflater.end();
  }

  fault(fault: Fault): void {
    if (this.#over) return;
    if (this.#inflater === undefined) this.#lost(fault);
    else this.#inflater.breakOff(() => this.#lost(fault));
  }

  #lost(fault: Fault): void {
    const interpretation = this.#interpretation;
    if (interpretation.kind === 'failure') {
      // The head has shown the failure already. Only its body is lost.
      this.#settle(
        failureWithAnswer(interpretation.cause, interpretation.fault, this.#head.headers),
      );
      return;
    }
    if (this.#parser !== undefined) this.#host.protocolError('truncated');
    this.#settle(lostConnection(fault, this.#parser !== undefined));
  }

  #inflate(coding: 'gzip' | 'deflate'): void {
    this.#inflater = createInflater(coding, {
      data: (chunk) => this.#take(chunk),
      ended: () => this.#finish(),
      failed: () => this.#breakOff('coding', 'broken_off', 'http_response_content_coding'),
    });
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) {
      const fits = chunk.length - (this.#bytes - this.#maxBytes);
      if (this.#parser !== undefined) {
        // Parts that are whole before the bound count.
        this.#parser.push(chunk.subarray(0, fits));
      }
      this.#breakOff('too_large', 'answer_too_large', 'http_response_body_size');
    } else if (!this.#host.reserve(chunk.length)) {
      // The bound of all buffered answers is reached. This answer is not at fault.
      this.#breakOff('too_large', 'broken_off', 'http_response_body_size');
    } else if (this.#parser === undefined) {
      this.#relayed.push(chunk);
    } else {
      this.#parser.push(chunk);
      this.#giveSoon();
    }
  }

  /** Parts that come together with the end of the answer need no early release. */
  #giveSoon(): void {
    if (this.#givesSoon) return;
    this.#givesSoon = true;
    queueMicrotask(() => {
      this.#givesSoon = false;
      if (this.#parser !== undefined) this.#giveParts(this.#parser, true);
    });
  }

  #breakOff(error: ProtocolError, cause: FailureCause, name: FaultName): void {
    this.#host.protocolError(error);
    const interpretation = this.#interpretation;
    // The head has shown the failure already, whatever its body would be.
    const ending: Ending =
      interpretation.kind === 'failure'
        ? failureWithAnswer(interpretation.cause, interpretation.fault, this.#head.headers)
        : { kind: 'failure', cause, fault: { phase: 'unknown', name } };
    this.#settle(ending);
    this.#host.abort();
  }

  #finish(): void {
    if (this.#parser === undefined) {
      const { status, reason, headers } = this.#head;
      const reply = relayedReply(status, reason, headers, Buffer.concat(this.#relayed));
      const interpretation = this.#interpretation;
      this.#settle(
        interpretation.kind === 'failure'
          ? failureWithAnswer(interpretation.cause, interpretation.fault, headers, reply)
          : { kind: 'relay', reply },
      );
      return;
    }
    const ending = this.#parser.finish();
    this.#settle(this.#endingOf(ending, this.#parser.parts.length));
  }

  /** @param goesOn whether the answer goes on, so that the part may be released early */
  #giveParts(parser: MultipartParser, goesOn: boolean): void {
    for (; this.#given < parser.parts.length; this.#given += 1) {
      const part = parser.parts[this.#given];
      const asked = this.#asked[this.#given];
      if (part === undefined || asked === undefined) continue;
      if (part.kind === 'malformed') {
        this.#host.protocolError('malformed_part');
        this.#host.part(this.#given, notUnderstood, false);
        continue;
      }
      const isOdd = contradicts(part, asked.target);
      if (isOdd) this.#host.protocolError('self_link');
      this.#host.part(this.#given, this.#replies.of(part, asked), goesOn && !isOdd);
    }
  }

  /** Parts belong to calls by position. If their number is wrong, none of them can be used. */
  #endingOf(ending: ReturnType<MultipartParser['finish']>, count: number): Ending {
    const asked = this.#asked.length;
    if (ending === 'no-delimiter') {
      this.#host.protocolError('no_delimiter');
      return { kind: 'failure', cause: 'not_understood', fault: notUnderstood };
    }
    if (ending === 'overflow') {
      this.#host.protocolError('more_parts');
      return { kind: 'failure', cause: 'miscounted', fault: notUnderstood };
    }
    if (ending === 'open' || (ending === 'bare' && count < asked)) {
      this.#host.protocolError('truncated');
      return {
        kind: 'failure',
        cause: 'broken_off',
        fault: { phase: 'unknown', name: 'http_response_incomplete' },
      };
    }
    if (count !== asked) {
      this.#host.protocolError('fewer_parts');
      return { kind: 'failure', cause: 'miscounted', fault: notUnderstood };
    }
    return { kind: 'complete' };
  }

  #settle(ending: Ending): void {
    this.#over = true;
    if (this.#parser !== undefined) this.#giveParts(this.#parser, false);
    this.#inflater?.stop();
    this.#parser = undefined;
    this.#relayed = [];
    this.#host.settled(ending);
  }
}
