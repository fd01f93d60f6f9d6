/**
 * Checks the `Host` of requests to the admin port, against DNS rebinding. In that attack the name of a web page
 * resolves to the address of this port. A browser then sends that name, and lets the page read the answer.
 */
import { isIP, isIPv6 } from 'node:net';

export type HostCheck = 'allowed' | 'unknown' | 'illegal';

/** A bracketed IPv6 address, an IPv4 address or a name, with an optional port (RFC 9110 section 7.2). */
const authority =
  /^(?:\[(?<v6>[\da-f:.]{2,45})\]|(?=[^:]{1,254}(?::|$))(?<name>[\w~-]+(?:\.[\w~-]+)*)\.?)(?::\d{0,5})?$/i;
/** Names that DNS servers outside the cluster never resolve. */
const insideNames = ['localhost', '*.localhost', '*.svc', '*.cluster.local'];

/**
 * Returns a function that checks the `Host` fields of a request.
 *
 * @param patterns additional allowed names; `*.example.com` means all names below example.com
 */
export function hostChecker(
  patterns: readonly string[],
): (hosts: readonly string[] | undefined) => HostCheck {
  const known = [...insideNames, ...patterns].map((text) => text.toLowerCase().replace(/\.$/, ''));
  const names = new Set(known.filter((pattern) => !pattern.startsWith('*')));
  const endings = known.filter((pattern) => pattern.startsWith('*')).map((text) => text.slice(1));
  return (hosts) => {
    // Node refuses HTTP/1.1 requests without `Host`. Browsers do not use HTTP/1.0.
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
