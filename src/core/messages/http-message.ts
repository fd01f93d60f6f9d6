/**
 * HTTP/1.1 messages as the proxy handles them: heads are flat lists of names and values, in the
 * order and spelling of the wire, as Node's `rawHeaders` has them; bodies are bytes.
 */

/** Names and values in turn: `['Host', 'pool.example', 'Accept', 'text/plain']`. */
export type RawHeaders = readonly string[];

/** Fields that belong to one connection (RFC 9110 section 7.6.1), lower case. */
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
 * A field name as CGI takes it, and with it IIS in its server variables: `X_Forwarded_For` is the same
 * field there as `X-Forwarded-For`.
 */
export function withHyphens(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name;
}

/** The value of the first field of that name, which must be given in lower case. */
export function headerValue(headers: RawHeaders, lowerCaseName: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i];
    if (name?.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) {
      return headers[i + 1];
    }
  }
  return undefined;
}

const nobody: ReadonlySet<string> = new Set();
const connection = 'connection';

/**
 * What the message's own `Connection` fields say, in lower case: names of hop-by-hop fields, and
 * `close`. A `keep-alive` alone names nothing that is not hop-by-hop anyway, and is left out.
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
  return names ?? nobody;
}

/**
 * The fields that travel end to end: without the hop-by-hop ones, what `Connection` names, and
 * `alsoWithout` (lower-case names).
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

/** Field names, and field values, one or many behind each other (RFC 9110 section 5). */
const tokens = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/;
const texts = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The fields as they stand on the wire, a line each; `undefined` if one of them may not. */
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
