/**
 * The origin by which a client reached the proxy. Links in answers lead back to this origin, so only a legal
 * authority counts, and only a trusted peer may name another origin than `Host` does.
 */
import type { RawHeaders } from '../messages/http-message.ts';
import { comparableAuthority, type Scheme } from './authority.ts';

export interface ClientOrigin {
  readonly scheme: Scheme;
  /** In the form of `comparableAuthority`. */
  readonly authority: string;
}

/** The host and scheme of a request, as a proxy describes the request in its fields. */
interface Description {
  host: string | undefined;
  scheme: string | undefined;
}

/**
 * Returns the origin of the client, or `undefined` if the request has no legal `Host`.
 *
 * @param scheme the scheme of the listener
 * @param host the value of `Host`
 * @param fieldsOfPeer the fields of the request if a trusted peer sent it
 */
export function clientOrigin(
  scheme: Scheme,
  host: string | undefined,
  fieldsOfPeer?: RawHeaders,
): ClientOrigin | undefined {
  const said = fieldsOfPeer === undefined ? undefined : describedBy(fieldsOfPeer);
  const saidScheme = said?.scheme?.toLowerCase();
  const own = saidScheme === 'http' || saidScheme === 'https' ? saidScheme : scheme;
  for (const candidate of [said?.host, host]) {
    const authority = candidate === undefined ? undefined : comparableAuthority(own, candidate);
    if (authority !== undefined) return { scheme: own, authority };
  }
  return undefined;
}

/**
 * Returns the description by the peer. A peer that writes one of the two kinds of fields may forward the other kind as its
 * client sent it. If the two kinds contradict each other, neither counts.
 */
function describedBy(headers: RawHeaders): Description {
  const separate: Description = { host: undefined, scheme: undefined };
  let standard: Description = { host: undefined, scheme: undefined };
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] as string;
    switch ((headers[i] as string).toLowerCase()) {
      case 'x-forwarded-host':
        separate.host = lastElement(value);
        break;
      case 'x-forwarded-proto':
        separate.scheme = lastElement(value);
        break;
      case 'forwarded':
        standard = parametersOf(lastElement(value));
        break;
    }
  }
  return {
    host: agreed(separate.host, standard.host),
    scheme: agreed(separate.scheme, standard.scheme),
  };
}

function agreed(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.toLowerCase() === other.toLowerCase() ? one : undefined;
}

/**
 * Returns the last element of a list. The peer itself added this element. Earlier elements may come from the
 * client. A comma in a quoted string separates nothing.
 */
function lastElement(value: string): string {
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at];
    if (isQuoted && character === '\\') at += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === ',' && !isQuoted) from = at + 1;
  }
  return value.slice(from).trim();
}

/** A parameter of `Forwarded` (RFC 7239 section 4) in any position of an element. */
const parameter = /(?:^|;)[ \t]*(host|proto)=(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))[ \t]*(?=;|$)/gi;

function parametersOf(element: string): Description {
  const said: Description = { host: undefined, scheme: undefined };
  for (const [, name = '', quoted, plain] of element.matchAll(parameter)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
    if (name.toLowerCase() === 'host') said.host = value;
    else said.scheme = value;
  }
  return said;
}
