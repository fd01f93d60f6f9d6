import type { IncomingMessage } from 'node:http';
import { headerValue, type RawHeaders } from '../core/messages/http-message.ts';
import type { PassThroughCall } from './pass-through-call.ts';
import { keepDispositionBytes } from '../core/wire/disposition-bytes.ts';
import type { PoolRequestOptions } from './pool-connections.ts';

/** Methods for whose requests Node sends no framing of its own accord, and so none for a body. */
const withoutFraming: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * The options object that http-proxy fills (it calls it `ssl`) and hands to http.request(). What it
 * would put there, a target that went through url.parse() and lost its double slashes, and header
 * fields that were joined, lower-cased or dropped, does not stick to properties without a setter.
 * A flat list is what http.request() sends as it stands.
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
 * Adds what frames the body, as the client framed it. Read from the request and not from the list,
 * which lacks a length that the client's `Connection` named: a body without framing would be taken
 * for the next request.
 */
function framed(request: IncomingMessage, headers: RawHeaders): RawHeaders {
  if (request.headers['transfer-encoding'] !== undefined) {
    return [...headers, 'Transfer-Encoding', 'chunked'];
  }
  if (headerValue(headers, 'content-length') !== undefined) return headers;
  const length = request.headers['content-length'];
  if (length !== undefined) return [...headers, 'Content-Length', length];
  // Node would announce chunks for a POST that has neither. It has no body then (RFC 9112 section 6.3).
  return withoutFraming.has(request.method ?? '') ? headers : [...headers, 'Content-Length', '0'];
}

/** Whether the request has a body. To be called before http-proxy, which changes these fields of a DELETE. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
