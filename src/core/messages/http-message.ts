/**
 * HTTP/1.1 messages inside the proxy. Heads are flat lists of names and values, like Node's `rawHeaders`. They
 * keep the order and spelling of the wire. Bodies are bytes.
 */

/** Names and values by turns: `['Host', 'pool.example', 'Accept', 'text/plain']`. */
export type RawHeaders = readonly string[];

/** Fields that apply to one connection only (RFC 9110 section 7.6.1), in lower case. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/**
 * Returns the field name with hyphens for underscores. CGI and the server variables of IIS do not tell these
 * characters apart: `X_Forwarded_For` is the same field as `X-Forwarded-For` there.
 */
export function withHyphens(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name;
}

/** Returns the value of the first field with this name, or `undefined`. */
export function headerValue(headers: RawHeaders, lowerCaseName: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i];
    if (name?.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) {
      return headers[i + 1];
    }
  }
  return undefined;
}

const noNames: ReadonlySet<string> = new Set();
const connection = 'connection';

/**
 * Returns the options in the `Connection` fields of a message, in lower case (RFC 9110 section 7.6.1). They are
 * names of hop-by-hop fields, and `close`. A field value that is exactly `keep-alive` is left out, because
 * `Keep-Alive` is always hop-by-hop.
 */
export function namedByConnection(headers: RawHeaders): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i];
    if (name?.length !== connection.length || name.toLowerCase() !== connection) continue;
    const value = headers[i + 1] ?? '';
    if (value === 'keep-alive') continue;
    names ??= new Set();
    for (const token of value.split(',')) names.add(token.trim().toLowerCase());
  }
  return names ?? noNames;
}

/**
 * Returns the end-to-end fields of a message: all except hop-by-hop fields and the fields that `Connection`
 * names.
 *
 * @param alsoWithout names of further fields to leave out, in lower case
 */
export function endToEndHeaders(headers: RawHeaders, alsoWithout?: ReadonlySet<string>): string[] {
  const named = namedByConnection(headers);
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || named.has(lower) || alsoWithout?.has(lower)) continue;
    kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}

/** Whether the connection stays open after an answer with these fields. */
export function keepsConnection(headers: RawHeaders): boolean {
  const isFramed =
    headerValue(headers, 'content-length') !== undefined ||
    headerValue(headers, 'transfer-encoding') !== undefined;
  return isFramed && !namedByConnection(headers).has('close');
}

/** Any number of legal field names, or of legal field values, without separators (RFC 9110 section 5). */
const tokens = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/;
const texts = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Returns the fields in wire format, one line each, or `undefined` if a name or a value is illegal. */
export function fieldLines(headers: RawHeaders): string | undefined {
  let lines = '';
  let names = '';
  let values = '';
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    if (name === '') return undefined;
    names += name;
    values += value;
    lines += `${name}: ${value}\r\n`;
  }
  return tokens.test(names) && texts.test(values) ? lines : undefined;
}

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
