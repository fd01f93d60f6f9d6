/**
 * Heads of answers that may be read in several ways (docs/decisions/014-odd-answers.md). All ways to
 * the pool ask here, so that such an answer has one fate.
 */
import { headerValue, type RawHeaders } from '../messages/http-message.ts';

/** No final answer has another status (RFC 9110 section 15). */
export function isFinal(status: number): boolean {
  return status >= 200 && status <= 599;
}

/** Nobody knows where the body ends, or what it is. */
export const faulty = '';

const field = 'transfer-encoding';

/**
 * The transfer codings of an answer, as its receiver must be told them; `undefined`: none but the chunks
 * that each connection has anew, or no body at all; `faulty`: they do not end in one `chunked`.
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
 * Whether it is a 205 that does not say that it has no body. It must have none (RFC 9110 section 15.3.6),
 * and some clients do not read one: what there is would be their next answer.
 */
export function isUnendedReset(status: number, headers: RawHeaders): boolean {
  return status === 205 && headerValue(headers, 'content-length') !== '0';
}

const framing: ReadonlySet<string> = new Set([field, 'content-length']);

/** The fields of an answer whose body is left out. */
export function withoutBody(headers: RawHeaders): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!framing.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? '');
  }
  kept.push('Content-Length', '0');
  return kept;
}
