/** Outcomes become answers: the language that the caller accepts, ETag and conditions, bytes. */
import { type FlatHeaders, headerValue, headerValues } from './headers.ts';
import { jsonForm } from './json-form.ts';
import type { Outcome } from './outcome.ts';
import { resolveHref } from './resource.ts';
import { xmlForm } from './xml-form.ts';

/** An HTTP answer without the fields that belong to the connection or the server as a whole. */
export interface Answer {
  readonly status: number;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
}

const mediaTypes = [
  'application/json',
  'application/vnd.microsoft.com.ucwa+json',
  'application/xml',
  'application/vnd.microsoft.com.ucwa+xml',
] as const;

type MediaType = (typeof mediaTypes)[number];

/** The best of UCWA's four media types for these `Accept` values; JSON where none is named. */
function negotiate(accept: readonly string[]): MediaType {
  const wanted = accept
    .flatMap((line) => line.toLowerCase().split(','))
    .map((range) => {
      const [type = '', ...parameters] = range.split(';').map((text) => text.trim());
      const q = parameters.find((parameter) => parameter.startsWith('q='));
      return { type, q: q === undefined ? 1 : Number(q.slice(2)) };
    })
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q);
  for (const { type } of wanted) {
    const known = mediaTypes.find((mediaType) => mediaType === type);
    if (known) return known;
    if (type === '*/*' || type === 'application/*') break;
  }
  return 'application/json';
}

/** Whether an `If-None-Match` or `If-Match` value names this etag, quoted or, as UCWA's samples have it, not. */
export function namesEtag(condition: string | undefined, etag: string): boolean {
  return (condition ?? '')
    .split(',')
    .map((tag) =>
      tag
        .trim()
        .replace(/^W\//, '')
        .replace(/^"(.*)"$/, '$1'),
    )
    .some((tag) => tag === etag || tag === '*');
}

/** The answer to a request with these headers, by a resource of an application at `base`. */
export function toAnswer(
  outcome: Outcome,
  base: string,
  method: string,
  asked: FlatHeaders,
): Answer {
  const { status, content, location, headers = [] } = outcome;
  const etag = content.kind === 'resource' ? content.resource.etag : undefined;
  const nonce = headerValue(asked, 'x-nonce');
  const own = [
    ...(headerValue(headers, 'cache-control') === undefined ? ['Cache-Control', 'no-cache'] : []),
    ...headers,
    ...(location === undefined ? [] : ['Location', resolveHref(base, location)]),
    ...(etag === undefined ? [] : ['ETag', `"${etag}"`]),
    // Not UCWA's: with it a test knows which call an answer belongs to.
    ...(nonce === undefined ? [] : ['X-Nonce', nonce]),
  ];
  if (content.kind === 'none') return { status, headers: own, body: Buffer.alloc(0) };
  if (content.kind === 'bytes') {
    return { status, headers: [...own, 'Content-Type', content.contentType], body: content.bytes };
  }
  const isRead = method === 'GET' || method === 'HEAD';
  if (isRead && etag !== undefined && namesEtag(headerValue(asked, 'if-none-match'), etag)) {
    return { status: 304, headers: own, body: Buffer.alloc(0) };
  }
  const type = negotiate(headerValues(asked, 'accept'));
  const text = type.endsWith('json') ? jsonForm(base, content) : xmlForm(base, content);
  return {
    status,
    headers: [...own, 'Content-Type', `${type}; charset=utf-8`],
    body: Buffer.from(text),
  };
}
