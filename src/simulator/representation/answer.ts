/** Turns outcomes into answers: chooses the media type, checks the ETag condition, writes the body. */
import { type FlatHeaders, headerValue, headerValues } from './headers.ts';
import { jsonForm } from './json-form.ts';
import type { Outcome } from './outcome.ts';
import { resolveHref } from './resource.ts';
import { xmlForm } from './xml-form.ts';

/** An HTTP answer, without the header fields of the connection and of the web server. */
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

/** Returns the best of UCWA's four media types for these `Accept` values; JSON by default. */
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

/**
 * Whether an `If-None-Match` or `If-Match` value contains this etag. UCWA's samples have etags without
 * quotes, so both forms match.
 */
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

/**
 * Returns the answer with this outcome.
 *
 * @param base path of the application, for links
 * @param asked headers of the request
 */
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
    // UCWA has no X-Nonce. It tells a test which call an answer belongs to.
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
