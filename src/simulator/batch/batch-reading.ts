/** Reads a batch request, and answers an invalid one as UCWA does. */
import { batchBoundary, BatchSyntaxError, parseBatch } from './batch-parser.ts';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';
import type { ReceivedPart } from '../pool/request-log.ts';
import { failed, type Outcome } from '../representation/outcome.ts';

/** The parts of a batch request, or the answer to an invalid one. */
export type BatchReading =
  | { readonly kind: 'batch'; readonly parts: readonly ReceivedPart[] }
  | { readonly kind: 'refused'; readonly outcome: Outcome };

/** Parses a batch request. A content type other than multipart/batching gets 415, bad syntax 400. */
export function readBatch(headers: FlatHeaders, body: Buffer): BatchReading {
  try {
    const boundary = batchBoundary(headerValue(headers, 'content-type') ?? '');
    if (boundary === undefined) return { kind: 'refused', outcome: failed(415) };
    return { kind: 'batch', parts: parseBatch(body, boundary) };
  } catch (error) {
    if (!(error instanceof BatchSyntaxError)) throw error;
    const outcome = failed(400, 'DeserializationFailure', error.message);
    return { kind: 'refused', outcome };
  }
}
