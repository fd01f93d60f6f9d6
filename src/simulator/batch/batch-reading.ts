/** Whether a request body is a batch, as UCWA would say it. */
import { batchBoundary, BatchSyntaxError, parseBatch } from './batch-parser.ts';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';
import type { ReceivedPart } from '../pool/request-log.ts';
import { failed, type Outcome } from '../representation/outcome.ts';

/** What the body of a batch request turned out to be: its parts, or why it has none. */
export type BatchReading =
  | { readonly kind: 'batch'; readonly parts: readonly ReceivedPart[] }
  | { readonly kind: 'refused'; readonly outcome: Outcome };

/** Reads a batch request: 415 for another content type than multipart/batching, 400 for bad syntax. */
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
