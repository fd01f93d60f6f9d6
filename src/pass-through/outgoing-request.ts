import type { IncomingMessage } from 'node:http';
import {
  headerValue,
  keepDispositionBytes,
  type RawHeaders,
} from '../core/messages/http-message.ts';
import type { Borrower } from '../core/connection-label.ts';
import { signsInConnection } from '../core/ucwa/credential-scheme.ts';
import type { PassThroughCall } from './pass-through-call.ts';
import type { PoolRequestOptions } from './pool-connections.ts';

/** Methods for which Node adds no framing to a request without a body. */
const withoutFraming: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * Returns the options object that http-proxy fills (as its option `ssl`) and passes to `http.request()`.
 * http-proxy would set a target from `url.parse()`, which loses double slashes. It would also set header
 * fields that are joined, lower-cased or dropped. `path` and `headers` have no setter, so the values of
 * http-proxy are ignored. `http.request()` sends a flat list of fields unchanged.
 */
export function outgoingRequest(
  call: PassThroughCall,
  onCreated: PoolRequestOptions['onCreated'],
): PoolRequestOptions & { readonly path: string; readonly headers: RawHeaders } {
  const headers = keepDispositionBytes(framed(call.request, call.headers));
  return {
    get path() {
      return call.target;
    },
    get headers() {
      return headers;
    },
    onCreated,
    client: call.request.socket,
    user: call.user,
  };
}

/**
 * Adds the client's framing of the body, taken from the request. The list lacks a `Content-Length` that the
 * client's `Connection` names. The pool would parse a body without framing as the next request.
 */
function framed(request: IncomingMessage, headers: RawHeaders): RawHeaders {
  if (request.headers['transfer-encoding'] !== undefined) {
    return [...headers, 'Transfer-Encoding', 'chunked'];
  }
  if (headerValue(headers, 'content-length') !== undefined) return headers;
  const length = request.headers['content-length'];
  if (length !== undefined) return [...headers, 'Content-Length', length];
  // A request with neither field has no body (RFC 9112 section 6.3). Node would send a POST in chunks.
  return withoutFraming.has(request.method ?? '') ? headers : [...headers, 'Content-Length', '0'];
}

/** Returns the request as the borrower of a connection to the pool. */
export function borrowerOf(
  { request, headers, user, isBound }: PassThroughCall,
  wasBound: boolean,
): Borrower {
  const signsIn = signsInConnection(headers);
  return { client: request.socket, user, signsIn, isBound: isBound || wasBound };
}

/** Whether the request has a body. To be called before http-proxy, which changes these fields of a DELETE. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
