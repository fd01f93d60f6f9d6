/** One batch on the wire: its answer becomes the answers of its callers. */
import { type Fault } from '../core/answer/fault.ts';
import { relayedReply, replyFromPart, sharedHeaders } from '../core/answer/fan-out.ts';
import { judgeResponse } from '../core/answer/judge-response.ts';
import { type Reply } from '../core/answer/reply.ts';
import { type Ending } from '../core/schedule/sink.ts';
import { MultipartParser } from '../core/wire/multipart-parser.ts';
import { type ExchangeHandler } from '../upstream/exchange.ts';
import { type ProtocolError } from './observer.ts';

/** How the answer of a batch ended. */
export interface BatchOutcome {
  /**
   * One for each part, in order, when the answer holds exactly as many as were asked; those that
   * came whole, when it broke off.
   */
  readonly replies: ReadonlyArray<Reply | Fault>;
  /** For the calls without a reply of their own. */
  readonly ending: Ending;
}

export interface BatchExchangeHost {
  answered(status: number): void;
  protocolError(kind: ProtocolError): void;
  /** Whether so many more bytes of answers may be kept; gives back what was taken before. */
  reserve(bytes: number): boolean;
  /** Exactly once. */
  settled(outcome: BatchOutcome): void;
  /** Stops the exchange; the handler settles by itself. */
  abort(): void;
}

const maxPreambleBytes = 4096;
const unknown = (name: Fault['name']): Ending => ({
  kind: 'fault',
  fault: { phase: 'unknown', name },
});

export class BatchExchange implements ExchangeHandler {
  readonly #calls: number;
  readonly #maxBytes: number;
  readonly #host: BatchExchangeHost;
  #parser: MultipartParser | undefined;
  #head = { status: 0, reason: '', headers: [] as string[] };
  #relayed: Buffer[] = [];
  #bytes = 0;
  #over = false;

  constructor(calls: number, maxBytes: number, host: BatchExchangeHost) {
    this.#calls = calls;
    this.#maxBytes = maxBytes;
    this.#host = host;
  }

  head(status: number, reason: string, headers: string[]): void {
    this.#host.answered(status);
    this.#head = { status, reason, headers };
    const verdict = judgeResponse(status, headers);
    if (verdict.kind === 'parts') {
      this.#parser = new MultipartParser(verdict.boundary, {
        maxParts: this.#calls,
        maxPreambleBytes,
      });
    } else if (verdict.kind === 'fault') {
      if (verdict.fault.name === 'http_response_content_coding') this.#host.protocolError('coding');
      else if (status === 200) this.#host.protocolError('not_multipart');
      this.#settle({ replies: [], ending: { kind: 'fault', fault: verdict.fault } });
      this.#host.abort();
    }
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes || !this.#host.reserve(chunk.length)) {
      this.#host.protocolError('too_large');
      this.#settle({ replies: [], ending: unknown('http_response_body_size') });
      this.#host.abort();
      return;
    }
    if (this.#parser === undefined) this.#relayed.push(chunk);
    else this.#parser.push(chunk);
  }

  end(): void {
    if (this.#over) return;
    if (this.#parser === undefined) {
      const { status, reason, headers } = this.#head;
      const reply = relayedReply(status, reason, headers, Buffer.concat(this.#relayed));
      this.#settle({ replies: [], ending: { kind: 'relay', reply } });
      return;
    }
    this.#settle(this.#outcomeOfParts(this.#parser));
  }

  fault(fault: Fault): void {
    if (this.#over) return;
    if (this.#parser === undefined) {
      this.#settle({ replies: [], ending: { kind: 'fault', fault } });
    } else {
      this.#settle(this.#brokenOff(this.#parser, fault.name));
    }
  }

  /** Pairing is by position, so only an answer with the right count is paired at all. */
  #outcomeOfParts(parser: MultipartParser): BatchOutcome {
    const ending = parser.finish();
    const count = parser.parts.length;
    if (ending === 'no-delimiter') {
      this.#host.protocolError('no_delimiter');
      return { replies: [], ending: unknown('http_protocol_error') };
    }
    if (ending === 'overflow') {
      this.#host.protocolError('more_parts');
      return { replies: [], ending: unknown('http_protocol_error') };
    }
    if (ending === 'open' || (ending === 'bare' && count < this.#calls)) {
      return this.#brokenOff(parser, 'http_response_incomplete');
    }
    if (count !== this.#calls) {
      this.#host.protocolError('fewer_parts');
      return { replies: [], ending: unknown('http_protocol_error') };
    }
    return { replies: this.#repliesOf(parser), ending: { kind: 'complete' } };
  }

  /** Order is promised and each leading part is closed by a whole delimiter, so they stand. */
  #brokenOff(parser: MultipartParser, name: Fault['name']): BatchOutcome {
    this.#host.protocolError('truncated');
    return { replies: this.#repliesOf(parser), ending: unknown(name) };
  }

  #repliesOf(parser: MultipartParser): Array<Reply | Fault> {
    const shared = sharedHeaders(this.#head.headers);
    return parser.parts.map((part): Reply | Fault => {
      if (part.kind === 'response') return replyFromPart(part, shared);
      this.#host.protocolError('malformed_part');
      return { phase: 'unknown', name: 'http_protocol_error' };
    });
  }

  #settle(outcome: BatchOutcome): void {
    this.#over = true;
    this.#parser = undefined;
    this.#relayed = [];
    this.#host.settled(outcome);
  }
}
