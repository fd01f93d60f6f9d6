import { keyOf } from '../core/admit/pool-names.ts';
import { addressOf, formatAddress, reaches } from './address.ts';
import { leaves } from './describe-settings.ts';
import { complaint, type Findings, shown } from './findings.ts';
import type { Settings } from './schema.ts';

/** Returns a message for each setting of `pools` that contradicts another setting, with its place. */
export function poolContradictions(settings: Settings, found: Findings): string[] {
  const { pools } = settings;
  const problems: string[] = [];
  const complain = (key: string, expected: string, what: string): void => {
    const place = found.given.get(key)?.place ?? found.given.get('pools[0].name')?.place ?? 'pools';
    problems.push(complaint(place, key, expected, what));
  };
  if (pools.length === 0) return problems;
  const listeners = [
    ['listen.address', settings.listen.address],
    ['listen.plain', settings.listen.plain],
    ['admin.address', settings.admin.address],
  ] as const;
  const complainOfOwn = (key: string, server: string): void => {
    for (const [side, address] of listeners) {
      if (address === undefined || found.broken.has(side)) continue;
      if (!reaches(addressOf(new URL(server)), address)) continue;
      const own = `this proxy's own ${side} (${formatAddress(address)})`;
      complain(key, 'addresses of the pool', own);
    }
  };

  for (const key of leaves.keys()) {
    const isForUrl = key === 'upstream.url' || key.startsWith('upstream.tls.');
    if (isForUrl && found.given.has(key)) {
      complain(key, 'no pools beside it', `${pools.length} in pools`);
    }
  }

  const names = new Map<string, string>();
  const hosts = new Map<string, string>();
  for (const [i, pool] of pools.entries()) {
    const section = `pools[${i}]`;
    const sameName = names.get(pool.name);
    if (sameName !== undefined) {
      complain(`${section}.name`, `another name than that of ${sameName}`, shown(pool.name));
    }
    names.set(pool.name, section);

    const ownHosts = new Set((pool.hosts.length === 0 ? ['*'] : pool.hosts).map(keyOf));
    for (const host of ownHosts) {
      const other = hosts.get(host);
      const what = host === '*' ? 'every other name' : shown(host);
      if (other !== undefined) complain(`${section}.hosts`, `no name of ${other}`, what);
      hosts.set(host, section);
    }

    for (const [key, otherKey] of [
      ['cert', 'key'],
      ['key', 'cert'],
    ] as const) {
      if (pool.tls[key] !== undefined && pool.tls[otherKey] === undefined) {
        complain(`${section}.tls.${key}`, `${section}.tls.${otherKey} beside it`, 'none');
      }
    }
    const [first = ''] = pool.servers;
    const all = [...pool.servers, ...pool.fallback];
    for (const [place, server] of all.entries()) {
      const { protocol } = new URL(server);
      const key = place < pool.servers.length ? `${section}.servers` : `${section}.fallback`;
      if (protocol !== new URL(first).protocol) {
        complain(key, 'only https servers, or only http servers', shown(server));
      }
      if (all.indexOf(server) !== place) complain(key, 'each server once', shown(server));
      complainOfOwn(key, server);
    }
    for (const server of pool.plainServers) complainOfOwn(`${section}.plainServers`, server);
    if (first.startsWith('http:')) {
      for (const key of Object.keys(pool.tls)) {
        complain(`${section}.tls.${key}`, 'https servers', shown(first));
      }
    }
  }
  return problems;
}
