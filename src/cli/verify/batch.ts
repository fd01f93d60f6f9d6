/** Sends batches with the codec of the proxy, and reads their answers as the proxy reads them. */
import { randomUUID } from 'node:crypto';
import { headerValue, type RawHeaders } from '../../core/messages/http-message.ts';
import type { OutgoingCall } from '../../core/messages/outgoing-call.ts';
import type { BatchKey } from '../../core/ucwa/batch-key.ts';
import { batchTarget, envelopeHeaders } from '../../core/ucwa/envelope.ts';
import { interpretBatchResponse } from '../../core/ucwa/interpret-response.ts';
import { encodeWith } from '../../core/wire/batch-encoder.ts';
import { type MultipartEnding, MultipartParser } from '../../core/wire/multipart-parser.ts';
import type { MalformedPart, ResponsePart } from '../../core/wire/response-part.ts';
import type { PoolAnswer, PoolSession } from './pool-session.ts';

export interface Part {
  /** Default `GET`. */
  readonly method?: string;
  readonly target: string;
  readonly headers?: RawHeaders;
  readonly body?: Buffer;
}

export interface BatchOptions {
  /** Changes the body. The boundary stays the same. */
  readonly edit?: (body: Buffer) => Buffer;
  /** Whether the boundary is quoted in the content type. */
  readonly quotesBoundary?: boolean;
  /** Whether the batch carries the credential; default true. */
  readonly isSigned?: boolean;
  /** More fields of the envelope. */
  readonly headers?: RawHeaders;
  /** Whether the batch accepts a coded answer, as the batches of the proxy do; default true. */
  readonly acceptsGzip?: boolean;
}

export interface BatchAnswer {
  readonly envelope: PoolAnswer;
  /** The boundary of the answer; undefined if the answer has no parts that the proxy can read. */
  readonly boundary: string | undefined;
  readonly parts: ReadonlyArray<ResponsePart | MalformedPart>;
  readonly ending: MultipartEnding;
}

/** Same limit as that of the engine. */
const maxPreambleBytes = 4096;

export async function sendBatch(
  session: PoolSession,
  applicationPath: string,
  parts: readonly Part[],
  options: BatchOptions = {},
): Promise<BatchAnswer> {
  const { isSigned = true, acceptsGzip = true, quotesBoundary, edit, headers = [] } = options;
  const calls = parts.map((part) => callOf(part, session, applicationPath));
  const [first] = calls;
  if (first === undefined) throw new RangeError('a batch needs a part');
  const { boundary, body } = encodeWith(randomUUID, calls);
  const fields = envelopeHeaders({ ...first, key: keyOf(session, applicationPath) }, boundary);
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === 'Content-Type' && quotesBoundary === true) {
      fields[i + 1] = `multipart/batching; boundary="${boundary}"`;
    }
    if (fields[i] === 'Accept-Encoding' && !acceptsGzip) fields[i + 1] = 'identity';
  }
  const envelope = await session.ask({
    method: 'POST',
    target: batchTarget(first.key),
    headers: [...fields, ...headers],
    body: edit?.(body) ?? body,
    isSigned,
  });
  return readBatchAnswer(envelope, parts.length);
}

function readBatchAnswer(envelope: PoolAnswer, count: number): BatchAnswer {
  const interpretation = interpretBatchResponse(envelope.status, envelope.headers);
  if (interpretation.kind !== 'parts') {
    return { envelope, boundary: undefined, parts: [], ending: 'no-delimiter' };
  }
  const { boundary } = interpretation;
  const parser = new MultipartParser(boundary, { maxParts: count, maxPreambleBytes });
  parser.push(envelope.body);
  const ending = parser.finish();
  return { envelope, boundary, parts: parser.parts, ending };
}

/** Returns a key without a credential: the session signs the envelope. */
function keyOf({ authority }: PoolSession, applicationPath: string): BatchKey {
  return {
    authority,
    applicationPath,
    authorization: undefined,
    webTicket: undefined,
    cookie: undefined,
    origin: undefined,
    msOrigin: undefined,
    minVersion: undefined,
    forwarded: [],
    user: 'verify',
  };
}

function callOf(
  { method = 'GET', target, headers = [], body }: Part,
  session: PoolSession,
  applicationPath: string,
): OutgoingCall {
  const accept = headerValue(headers, 'accept') === undefined ? ['Accept', 'application/json'] : [];
  return {
    method,
    target,
    headers: [...accept, ...headers],
    body: body ?? Buffer.alloc(0),
    key: keyOf(session, applicationPath),
  };
}
