import { headerValue, type RawHeaders } from '../messages/http-message.ts';

const obsText = /[\x80-\xff]/;

/**
 * Node reads the value of a Content-Disposition as UTF-8, and so changes its bytes, if a
 * Content-Length stood before it. Then the length goes last.
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
