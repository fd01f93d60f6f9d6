/**
 * The meaning of the head of a batch response for the calls of the batch. The callers do not know of the batch.
 * A response about the batch itself, such as its size or its resource, becomes a failure, and the retry table
 * decides about each call. A response about the user or the application is true for each call. Each caller gets
 * it unchanged, with its challenge and body.
 */
import { batchingBoundary } from './boundary.ts';
import { headerValue, type RawHeaders } from '../messages/http-message.ts';
import type { FailureCause, Fault, FaultName, FaultPhase } from '../messages/fault.ts';
import { transferCodings } from '../messages/odd-heads.ts';

export type Interpretation =
  /** The body contains the parts, separated by this boundary. */
  | {
      readonly kind: 'parts';
      readonly boundary: string;
      /** The content coding of the envelope. The proxy offers gzip; some pools send deflate. */
      readonly coding: EnvelopeCoding | undefined;
    }
  /** Each caller gets this response unchanged. */
  | {
      readonly kind: 'relay';
      /** The content coding that must be removed, because the callers did not ask for it. */
      readonly coding?: EnvelopeCoding | undefined;
    }
  /**
   * The response answers no call. `relayable`: a caller may still get the response if its call is not retried.
   */
  | {
      readonly kind: 'failure';
      readonly cause: FailureCause;
      readonly fault: Fault;
      readonly relayable: boolean;
      readonly coding?: EnvelopeCoding | undefined;
    };

type EnvelopeCoding = 'gzip' | 'deflate';

const relay: Interpretation = { kind: 'relay' };

function failure(
  what: FailureCause,
  phase: FaultPhase,
  name: FaultName,
  relayable = false,
): Interpretation & { kind: 'failure' } {
  return { kind: 'failure', cause: what, fault: { phase, name }, relayable };
}

/**
 * Whether the pool refused a request because the user has too many outstanding calls. A refused request never
 * runs.
 */
export function isRefusal(status: number): boolean {
  return status === 429;
}

/** The pool refused the request, see `isRefusal`. Single requests get this response too. */
export const refused = failure('refused', 'unsent', 'destination_unavailable', true);
const noBatch = failure('no_batch', 'unsent', 'destination_unavailable');
const tooLarge = failure('request_too_large', 'unsent', 'destination_unavailable');
const notRead = failure('not_read', 'unsent', 'destination_unavailable');
const doubted = failure('doubted', 'unknown', 'http_protocol_error');
const serverError = failure('server_error', 'unknown', 'destination_unavailable', true);
const notUnderstood = failure('not_understood', 'unknown', 'http_protocol_error');
const unexpectedCoding = failure('not_understood', 'unknown', 'http_response_content_coding');
/**
 * The response has a transfer coding other than `chunked`, so the proxy can read neither its parts nor its
 * body.
 */
export const coded = failure('not_understood', 'unknown', 'http_protocol_error');

/** Interprets the head of the response to a batch of at least two calls. */
export function interpretBatchResponse(status: number, headers: RawHeaders): Interpretation {
  return decodable(readable(interpretEnvelope(status, headers), status, headers), headers);
}

/** Adds the coding of a response that is relayed to the callers of a batch. They get the decoded body. */
function decodable(interpretation: Interpretation, headers: RawHeaders): Interpretation {
  const isRelayed = interpretation.kind === 'relay' || interpretation.kind === 'failure';
  const field = isRelayed ? headerValue(headers, 'content-encoding') : undefined;
  const coding = codingOf(field);
  if (!isRelayed || coding === undefined) return interpretation;
  if (coding !== 'unknown') return { ...interpretation, coding };
  return interpretation.kind === 'failure'
    ? { ...interpretation, relayable: false }
    : unexpectedCoding;
}

/** Interprets the head of the response to a single request that answers several identical calls. */
export function interpretSharedResponse(status: number, headers: RawHeaders): Interpretation {
  return readable(isRefusal(status) ? refused : relay, status, headers);
}

/** Makes an interpretation a failure that is not relayed, if the body of the response cannot be read. */
function readable(
  interpretation: Interpretation,
  status: number,
  headers: RawHeaders,
): Interpretation {
  if (transferCodings(status, headers) === undefined) return interpretation;
  return interpretation.kind === 'failure' ? { ...interpretation, relayable: false } : coded;
}

function interpretEnvelope(status: number, headers: RawHeaders): Interpretation {
  switch (status) {
    case 200: {
      const boundary = batchingBoundary(headerValue(headers, 'content-type'));
      if (boundary === undefined) return notUnderstood;
      const coding = codingOf(headerValue(headers, 'content-encoding'));
      return coding === 'unknown' ? unexpectedCoding : { kind: 'parts', boundary, coding };
    }
    case 404:
      return isUcwaError(headers) ? relay : noBatch;
    case 405:
    case 415:
    case 501:
      return noBatch;
    case 401:
    case 403:
    case 410:
      return relay;
    case 408:
    case 421:
      return notRead;
    case 413:
      return tooLarge;
    case 429:
      return refused;
    default:
      return status >= 500 ? serverError : doubted;
  }
}

function codingOf(field: string | undefined): EnvelopeCoding | 'unknown' | undefined {
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

/** Whether UCWA itself sent the error: its errors are JSON or XML. Servers in front of UCWA send other types. */
function isUcwaError(headers: RawHeaders): boolean {
  const type = headerValue(headers, 'content-type') ?? '';
  return /^application\/(?:json|xml|vnd\.microsoft\.com\.ucwa[.\w]*\+(?:json|xml))[ \t]*(?:;|$)/i.test(
    type,
  );
}
