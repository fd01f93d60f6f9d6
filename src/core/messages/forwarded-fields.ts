/**
 * The fields that describe the client of a request to the pool: `X-Forwarded-For`, `X-Forwarded-Proto`,
 * `X-Forwarded-Host` and `Forwarded`. A peer in `listen.trustedProxies` describes its clients itself. The proxy
 * describes each other client, and drops the description that the client sends.
 */
import type { HeadFacts } from '../admit/request-head.ts';

/** Names and values in turn. Equal lists describe the same client. */
export type ForwardedFields = readonly string[];

/** The names of these fields, in lower case. */
export const forwardedNames: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

/** Returns the description by a trusted peer. A repeated field becomes one list (RFC 9110 section 5.3). */
export function describedByPeer(
  facts: Pick<HeadFacts, 'forwarded' | 'forwardedFor' | 'forwardedHost' | 'forwardedProto'>,
): ForwardedFields {
  const fields: string[] = [];
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined) fields.push(name, value);
  };
  add('X-Forwarded-For', facts.forwardedFor);
  add('X-Forwarded-Proto', facts.forwardedProto);
  add('X-Forwarded-Host', facts.forwardedHost);
  add('Forwarded', facts.forwarded);
  return fields;
}

/**
 * Returns the description of a client by the proxy.
 *
 * @param address the address of the client's connection; `undefined` if the connection is gone
 * @param host the `Host` that the client sent
 */
export function describedByProxy(
  address: string | undefined,
  scheme: 'http' | 'https',
  host: string | undefined,
): ForwardedFields {
  const fields: string[] = [];
  if (address !== undefined) fields.push('X-Forwarded-For', address);
  fields.push('X-Forwarded-Proto', scheme);
  if (host !== undefined) fields.push('X-Forwarded-Host', host);
  return fields;
}

/** Whether two descriptions are equal. */
export function sameForwarded(one: ForwardedFields, other: ForwardedFields): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i += 1) if (one[i] !== other[i]) return false;
  return true;
}
