/**
 * Translates the head of an HTTP/2 request into the fields of an HTTP/1.1 request (RFC 9113 section 8.3). nghttp2 has
 * already refused malformed heads: fields in upper case, connection fields, repeated or missing pseudo fields.
 */
import { METHODS } from 'node:http';
import type { RefusalReason } from '../../core/admit/admit.ts';

/** The head of a request, in the form in which node:http delivers heads. */
export interface StreamHead {
  readonly method: string;
  /** Empty if the path is illegal. No legal target is empty, so `admit` refuses it. */
  readonly target: string;
  /** Names and values by turns, with `Host`, and with one `Cookie` at most. */
  readonly fields: string[];
  /** `Content-Length` and `Transfer-Encoding`, by lower-case name. */
  readonly framing: Readonly<Record<string, string>>;
  readonly expectation: string | undefined;
  /** An estimate of the memory that the head takes. */
  readonly costBytes: number;
}

/** Why a head cannot be translated. */
export type HeadRefusal = 'method' | 'malformed' | 'head_too_large';

export const headRefusals: Record<
  HeadRefusal,
  { readonly status: number; readonly reason: RefusalReason }
> = {
  method: { status: 501, reason: 'method' },
  malformed: { status: 400, reason: 'malformed' },
  head_too_large: { status: 431, reason: 'head_too_large' },
};

/** Maximum number of fields, with each crumb of a cookie, as for HTTP/1.1. */
const maxFields = 100;
/** Memory that V8 takes for a string in a list, without the text. */
const stringBytes = 40;

/** The methods that the parser of HTTP/1.1 knows. */
const methods: ReadonlySet<string> = new Set(METHODS);

/** The characters that the parser of HTTP/1.1 accepts in a target. */
const legalTarget = /^[\x21-\x7e]+$/;

/**
 * @param list the pseudo fields and fields as node:http2 delivers them, names and values by turns
 * @param maxBytes limit for the bytes of names and values
 * @param hasBody whether a body can follow
 */
export function readStreamHead(
  list: readonly string[],
  maxBytes: number,
  hasBody: boolean,
): StreamHead | HeadRefusal {
  let method = '';
  let scheme = '';
  let path = '';
  let authority: string | undefined;
  let host: string | undefined;
  let cookie: string | undefined;
  let expectation: string | undefined;
  let bytes = 0;
  let count = 0;
  const framing: Record<string, string> = {};
  const fields: string[] = [];
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] as string;
    const value = list[i + 1] as string;
    bytes += name.length + value.length;
    if (!name.startsWith(':')) count += 1;
    switch (name) {
      case ':method':
        method = value;
        break;
      case ':scheme':
        scheme = value;
        break;
      case ':path':
        path = value;
        break;
      case ':authority':
        authority = value;
        break;
      case 'host':
        // A further `Host` stays in the list, so that `admit` refuses the request.
        if (host === undefined) host = value;
        else fields.push(name, value);
        break;
      case 'cookie':
        cookie = cookie === undefined ? value : `${cookie}; ${value}`;
        break;
      case 'te':
        break;
      default:
        if (name === 'expect') expectation = value;
        if (name === 'content-length') framing[name] = value;
        fields.push(name, value);
    }
  }
  if (bytes > maxBytes || count > maxFields) return 'head_too_large';
  if (method === 'CONNECT') return 'method';
  if (!methods.has(method)) return 'malformed';
  if (cookie !== undefined) fields.push('cookie', cookie);
  if (hasBody && framing['content-length'] === undefined) {
    framing['transfer-encoding'] = 'chunked';
    fields.push('transfer-encoding', 'chunked');
  }
  const hosts: string[] = [];
  if (authority !== undefined) hosts.push('host', authority);
  // Two different names are ambiguous, so `admit` refuses both.
  if (host !== undefined && host !== authority) hosts.push('host', host);
  const isLegal = legalTarget.test(path) && /^https?$/i.test(scheme);
  return {
    method,
    target: isLegal ? path : '',
    fields: [...hosts, ...fields],
    framing,
    expectation,
    costBytes: bytes + stringBytes * list.length,
  };
}
