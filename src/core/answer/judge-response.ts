/**
 * What the head of a batch's answer means for the calls in it. A batch is our doing: an answer that
 * speaks about the batch itself (its framing, its size, its very resource) is not the callers', and
 * is turned into what they need to know; one that speaks about the user or the application is true
 * for each of them and is relayed as it is, challenge and body included.
 */
import { batchingBoundary } from '../wire/boundary.ts';
import { headerValue, type RawHeaders } from '../wire/http-message.ts';
import type { Fault } from './fault.ts';

export type Verdict =
  /** The parts come: parse them with this boundary. */
  | {
      readonly kind: 'parts';
      readonly boundary: string;
      /** How the envelope was coded although nobody asked for it. */
      readonly coding: 'gzip' | 'deflate' | undefined;
    }
  /** Each caller gets this answer as it came. */
  | { readonly kind: 'relay' }
  /** The answer is of no use to the callers. */
  | { readonly kind: 'fault'; readonly fault: Fault };

const relay: Verdict = { kind: 'relay' };
const notUnderstood: Verdict = {
  kind: 'fault',
  fault: { phase: 'unknown', name: 'http_protocol_error' },
};
const unexpectedCoding: Verdict = {
  kind: 'fault',
  fault: { phase: 'unknown', name: 'http_response_content_coding' },
};
/** The pool does not take batches here, or none so large: it says so before it runs anything. */
const refusedBatch: Verdict = {
  kind: 'fault',
  fault: { phase: 'unsent', name: 'destination_unavailable' },
};

/** `status` and `headers` of the answer to a batch of at least two calls. */
export function judgeResponse(status: number, headers: RawHeaders): Verdict {
  switch (status) {
    case 200: {
      const boundary = batchingBoundary(headerValue(headers, 'content-type'));
      if (boundary === undefined) return notUnderstood;
      const coding = codingOf(headerValue(headers, 'content-encoding'));
      return coding === 'unknown' ? unexpectedCoding : { kind: 'parts', boundary, coding };
    }
    case 405:
    case 413:
    case 415:
    case 501:
      return refusedBatch;
    case 404:
      return isUcwaError(headers) ? relay : refusedBatch;
    case 401:
    case 403:
    case 410:
    case 429:
      return relay;
    default:
      return status >= 500 ? relay : notUnderstood;
  }
}

function codingOf(field: string | undefined): 'gzip' | 'deflate' | 'unknown' | undefined {
  switch (field?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    default:
      return 'unknown';
  }
}

/** UCWA's own errors are JSON or XML; another type means that something in front of it answered. */
function isUcwaError(headers: RawHeaders): boolean {
  const type = headerValue(headers, 'content-type') ?? '';
  return /^application\/(?:json|xml|vnd\.microsoft\.com\.ucwa[.\w]*\+(?:json|xml))[ \t]*(?:;|$)/i.test(
    type,
  );
}
