/**
 * Response heads that can be read in more than one way (docs/decisions/014-odd-answers.md). Batches, unbatched
 * calls and pass-through requests all use these functions, so all of them treat an odd response alike.
 */
import { headerValue, type RawHeaders } from './http-message.ts';

/** Whether the status is that of a final response, not of an interim one (RFC 9110 section 15). */
export function isFinal(status: number): boolean {
  return status >= 200 && status <= 599;
}

/** The result of `transferCodings` for illegal codings. The end of the body, or its coding, is then uncertain. */
export const faulty = '';

const field = 'transfer-encoding';

/**
 * Returns the value of `Transfer-Encoding` that a relayed response needs (RFC 9112 section 6.1). Returns
 * `undefined` if `chunked` is the only coding, because each connection has its own chunks. Returns `undefined`
 * too if the response has no transfer coding or no body. Returns `faulty` unless `chunked` is the last coding
 * and occurs once.
 */
export function transferCodings(status: number, headers: RawHeaders): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length !== field.length || name.toLowerCase() !== field) continue;
    const more = headers[i + 1] ?? '';
    value = value === undefined ? more : `${value}, ${more}`;
  }
  if (value === undefined || value === 'chunked' || status === 204 || status === 304)
    return undefined;
  const codings = value
    .split(',')
    .map((coding) => coding.replace(/^[\t ]+| +$/g, ''))
    .filter((coding) => coding !== '');
  const chunked = codings.findIndex((coding) => coding.toLowerCase() === 'chunked');
  if (chunked === -1 || chunked !== codings.length - 1) return faulty;
  return chunked === 0 ? undefined : codings.join(', ');
}

/**
 * Whether the response is a 205 without `Content-Length: 0`. A 205 must have no body (RFC 9110 section 15.3.6).
 * Some clients do not read a body, and would take its bytes for the next response.
 */
export function isUnendedReset(status: number, headers: RawHeaders): boolean {
  return status === 205 && headerValue(headers, 'content-length') !== '0';
}

const framing: ReadonlySet<string> = new Set([field, 'content-length']);

/** Returns the fields of a response without its body: no transfer codings, and `Content-Length: 0`. */
export function withoutBody(headers: RawHeaders): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!framing.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? '');
  }
  kept.push('Content-Length', '0');
  return kept;
}
