/**
 * What the head of a batch's answer means for the calls in it. A batch is our doing: an answer that
 * speaks about the batch itself (its framing, its size, its very resource) is not the callers', and
 * is turned into what they need to know; one that speaks about the user or the application is true
 * for each of them and is relayed as it is, challenge and body included.
 */
import { batchingBoundary } from './boundary.ts';
import { headerValue, type RawHeaders } from '../messages/http-message.ts';
import type { Fault, FaultName, FaultPhase } from '../messages/fault.ts';
import { transferCodings } from '../answer/odd-heads.ts';
import type { Trouble } from '../answer/retry-table.ts';

export type Interpretation =
  /** The parts come: parse them with this boundary. */
  | {
      readonly kind: 'parts';
      readonly boundary: string;
      /** How the envelope was coded although nobody asked for it. */
      readonly coding: 'gzip' | 'deflate' | undefined;
    }
  /** Each caller gets this answer as it came. */
  | { readonly kind: 'relay' }
  /** No answer to the calls. `relayable`: what came may be of use to a caller all the same. */
  | {
      readonly kind: 'trouble';
      readonly trouble: Trouble;
      readonly fault: Fault;
      readonly relayable: boolean;
    };

const relay: Interpretation = { kind: 'relay' };

function trouble(
  what: Trouble,
  phase: FaultPhase,
  name: FaultName,
  relayable = false,
): Interpretation & { kind: 'trouble' } {
  return { kind: 'trouble', trouble: what, fault: { phase, name }, relayable };
}

/** Whether the pool refused the request because the user has too many outstanding calls. It did not run. */
export function isRefusal(status: number): boolean {
  return status === 429;
}

/** Too many outstanding calls: also said to a call that travels alone. */
export const refused = trouble('refused', 'unsent', 'destination_unavailable', true);
const noBatch = trouble('no_batch', 'unsent', 'destination_unavailable');
const tooLarge = trouble('request_too_large', 'unsent', 'destination_unavailable');
const notRead = trouble('not_read', 'unsent', 'destination_unavailable');
const doubted = trouble('doubted', 'unknown', 'http_protocol_error');
const serverError = trouble('server_error', 'unknown', 'destination_unavailable', true);
const notUnderstood = trouble('not_understood', 'unknown', 'http_protocol_error');
const unexpectedCoding = trouble('not_understood', 'unknown', 'http_response_content_coding');
/** Its body is coded in a way that belongs to the connection: neither its parts nor it can be given. */
export const coded = trouble('not_understood', 'unknown', 'http_protocol_error');

/** `status` and `headers` of the answer to a batch of at least two calls. */
export function interpretBatchResponse(status: number, headers: RawHeaders): Interpretation {
  return readable(interpretEnvelope(status, headers), status, headers);
}

/** `status` and `headers` of an answer that is read whole, and that several callers get as it is. */
export function interpretSharedResponse(status: number, headers: RawHeaders): Interpretation {
  return readable(isRefusal(status) ? refused : relay, status, headers);
}

function readable(
  interpretation: Interpretation,
  status: number,
  headers: RawHeaders,
): Interpretation {
  if (transferCodings(status, headers) === undefined) return interpretation;
  return interpretation.kind === 'trouble' ? { ...interpretation, relayable: false } : coded;
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
