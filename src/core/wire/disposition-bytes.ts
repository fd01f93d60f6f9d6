import { headerValue, type RawHeaders } from '../messages/http-message.ts';

const obsText = /[\x80-\xff]/;

/**
 * Moves `Content-Length` behind the other fields if `Content-Disposition` has bytes above ASCII. If Node writes
 * `Content-Length` first, Node encodes the value of `Content-Disposition` as UTF-8, which changes its bytes.
 */
export function keepDispositionBytes(headers: RawHeaders): RawHeaders {
  if (!obsText.test(headerValue(headers, 'content-disposition') ?? '')) return headers;
  const others: string[] = [];
  const lengths: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    (name.toLowerCase() === 'content-length' ? lengths : others).push(name, headers[i + 1] ?? '');
  }
  return others.concat(lengths);
}
