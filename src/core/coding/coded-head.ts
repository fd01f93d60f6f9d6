/** The fields of answers that the proxy codes (RFC 9110 sections 8.4, 8.8.3, 12.5.5). */
import { ofOriginalBytes } from '../links/document-head.ts';
import { headerValue, type RawHeaders } from '../messages/http-message.ts';
import type { Coding } from './offer.ts';

const codable =
  /^(?:application\/(?:json|xml)|[\w.-]+\/[\w.-]+\+(?:json|xml)|text\/[\w.+-]+|multipart\/batching)[ \t]*(?:;|$)/i;
const noTransform = /(?:^|,)[ \t]*no-transform[ \t]*(?:,|$)/i;

/** Statuses of answers without a body, and 206, which has a part of a body. */
const neverCoded: ReadonlySet<number> = new Set([204, 205, 206, 304]);

/** Whether the proxy may code the body of an answer with these fields. */
export function mayCode(status: number, headers: RawHeaders): boolean {
  if (status < 200 || neverCoded.has(status)) return false;
  let isCodable = false;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] as string;
    switch ((headers[i] as string).toLowerCase()) {
      case 'content-type':
        isCodable = codable.test(value);
        break;
      case 'content-encoding':
      case 'content-range':
      case 'transfer-encoding':
        return false;
      case 'cache-control':
        if (noTransform.test(value)) return false;
        break;
      default:
    }
  }
  return isCodable;
}

/** Returns the `Content-Length`; `undefined` if there is none. */
export function lengthIn(headers: RawHeaders): number | undefined {
  const value = headerValue(headers, 'content-length');
  return value === undefined ? undefined : Number(value);
}

/**
 * Returns the fields of a coded answer, without `Content-Length`. Its bytes are not those that the pool tagged, so a
 * strong `ETag` becomes weak. The pool compares the tag of `If-None-Match` weakly.
 */
export function codedHead(headers: RawHeaders, coding: Coding): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const lower = name.toLowerCase();
    if (!ofOriginalBytes.has(lower)) kept.push(name, lower === 'etag' ? weak(value) : value);
  }
  kept.push('Content-Encoding', coding);
  return variedHead(kept);
}

/** Returns the fields of an answer without its coding. */
export function decodedHead(headers: RawHeaders): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const lower = name.toLowerCase();
    if (ofOriginalBytes.has(lower) || lower === 'content-encoding') continue;
    kept.push(name, headers[i + 1] as string);
  }
  return kept;
}

/** Returns the fields of an answer that other values of `Accept-Encoding` would change. */
export function variedHead(headers: RawHeaders): string[] {
  const result = [...headers];
  for (let i = 0; i < result.length; i += 2) {
    if ((result[i] as string).toLowerCase() !== 'vary') continue;
    const value = result[i + 1] as string;
    if (!/(?:^|,)[ \t]*(?:accept-encoding|\*)[ \t]*(?:,|$)/i.test(value)) {
      result[i + 1] = value.trim() === '' ? 'Accept-Encoding' : `${value}, Accept-Encoding`;
    }
    return result;
  }
  result.push('Vary', 'Accept-Encoding');
  return result;
}

/**
 * Returns the fields of a 304. If the client asked with the weak form of the tag, it has a coded body. The tag of the
 * answer must then be weak too, because a cache compares it with the stored one (RFC 9111 section 4.3.4).
 */
export function notModifiedHead(headers: RawHeaders, asked: RawHeaders): RawHeaders {
  const tag = headerValue(headers, 'etag');
  if (tag?.startsWith('"') !== true) return headers;
  if (headerValue(asked, 'if-none-match')?.includes(weak(tag)) !== true) return headers;
  return variedHead(
    headers.map((text, i) => {
      const isTag = i % 2 === 1 && headers[i - 1]?.toLowerCase() === 'etag';
      return isTag ? weak(text) : text;
    }),
  );
}

function weak(tag: string): string {
  return tag.startsWith('"') ? `W/${tag}` : tag;
}
