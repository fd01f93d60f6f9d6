/**
 * The names by which the admin port may be asked. A web page whose own name is made to lead here (DNS
 * rebinding) asks by that name, and a browser lets it read the answer.
 */
import { isIP, isIPv6 } from 'node:net';

export type HostCheck = 'allowed' | 'unknown' | 'illegal';

/** A bracketed address, or a name or IPv4 address, and a port if there is one (RFC 9110 section 7.2). */
const authority =
  /^(?:\[(?<v6>[\da-f:.]{2,45})\]|(?=[^:]{1,254}(?::|$))(?<name>[\w~-]+(?:\.[\w~-]+)*)\.?)(?::\d{0,5})?$/i;
/** Names that no name server outside the cluster answers for. */
const insideNames = ['localhost', '*.localhost', '*.svc', '*.cluster.local'];

/**
 * Judges the `Host` fields of a request.
 * @param patterns names that are allowed too; `*.example.com` stands for all names below example.com
 */
export function hostChecker(
  patterns: readonly string[],
): (hosts: readonly string[] | undefined) => HostCheck {
  const known = [...insideNames, ...patterns].map((text) => text.toLowerCase().replace(/\.$/, ''));
  const names = new Set(known.filter((pattern) => !pattern.startsWith('*')));
  const endings = known.filter((pattern) => pattern.startsWith('*')).map((text) => text.slice(1));
  return (hosts) => {
    // Node refuses HTTP/1.1 without the field; no browser speaks HTTP/1.0.
    if (hosts === undefined) return 'allowed';
    const groups = hosts.length === 1 ? authority.exec(hosts[0] as string)?.groups : undefined;
    if (groups === undefined) return 'illegal';
    const { v6 } = groups;
    if (v6 !== undefined) return isIPv6(v6) ? 'allowed' : 'illegal';
    const name = (groups['name'] as string).toLowerCase();
    const isAllowed =
      isIP(name) !== 0 ||
      !name.includes('.') ||
      names.has(name) ||
      endings.some((ending) => name.length > ending.length && name.endsWith(ending));
    return isAllowed ? 'allowed' : 'unknown';
  };
}
