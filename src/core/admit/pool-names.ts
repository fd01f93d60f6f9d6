/**
 * Chooses the pool of a request by the `Host` of the request, and the `Host` that the pool receives
 * (docs/decisions/016-pools-and-names.md).
 */

/** A pool, and the names by which clients know it. */
export interface NamedPool {
  readonly name: string;
  /**
   * The host names of the pool, each with a port if only that port counts. `*.example.com` stands for all names
   * below `example.com`, and `*` for every name that no other pool has. An empty list is the same as `*`.
   */
  readonly hosts: readonly string[];
  /** Host and port of the pool's server, as in a `Host` field. */
  readonly authority: string;
  /** Hosts and ports of all its servers. Links in answers of the pool may lead to them. */
  readonly aliases?: readonly string[];
}

/** Where a request goes. */
export interface Destination {
  /** The place of the pool in the list of all pools. */
  readonly pool: number;
  readonly poolName: string;
  /** The `Host` for the pool. */
  readonly authority: string;
}

const anyName = '*';
const below = '*.';
const loopback = '.localhost';

const defaultPort = /:(?:80|443)$/;

/** A host name or an IPv6 address in brackets, and a port. */
const parts = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/;

export class PoolNames {
  /** Destinations of exact names, by name or by name and port. */
  readonly #exact = new Map<string, NamedPool & { readonly pool: number }>();
  /** The same for `*.example.com`, without the `*.`. */
  readonly #below = new Map<string, NamedPool & { readonly pool: number }>();
  /** The same by the hosts and ports of the servers of each pool. */
  readonly #aliases = new Map<string, Destination>();
  /** Destinations by the name of the pool, for addresses below `localhost` that begin with it. */
  readonly #labels = new Map<string, Destination>();
  /** Where a request with any other name goes. */
  #others: Destination | undefined;
  #isUnnamed = true;
  /** Rises when names change. Earlier results of `find` are then out of date. */
  revision = 0;

  constructor(pools: readonly NamedPool[]) {
    this.#set(pools);
  }

  /** Puts other names in force, for pools with the same places. */
  replace(pools: readonly NamedPool[]): void {
    for (const map of [this.#exact, this.#below, this.#aliases, this.#labels]) map.clear();
    this.#others = undefined;
    this.#set(pools);
    this.revision += 1;
  }

  #set(pools: readonly NamedPool[]): void {
    for (const [pool, named] of pools.entries()) {
      for (const host of named.hosts) {
        const entry = { ...named, pool };
        if (host.startsWith(below)) this.#below.set(keyOf(host.slice(below.length)), entry);
        else if (host !== anyName) this.#exact.set(keyOf(host), entry);
      }
    }
    for (const [pool, named] of pools.entries()) {
      for (const alias of named.aliases ?? []) {
        const key = keyOf(alias);
        // The first of several pools with the same server gets its requests.
        if (!this.#aliases.has(key)) this.#aliases.set(key, ownDestination(named, pool));
      }
    }
    this.#isUnnamed = this.#exact.size + this.#below.size === 0;
    const pool = pools.findIndex(({ hosts }) => hosts.length === 0 || hosts.includes(anyName));
    const other = pools[pool];
    if (other === undefined) return;
    for (const [place, named] of pools.entries()) {
      this.#labels.set(named.name.toLowerCase(), ownDestination(named, place));
    }
    this.#others = ownDestination(other, pool);
  }

  /**
   * Returns the name of the pool that clients know by this authority, or that has a server there. Returns `undefined`
   * if there is none.
   *
   * @param authority in the form of `comparableAuthority`
   */
  poolOf(authority: string): string | undefined {
    return this.#named(authority)?.name ?? this.#aliases.get(authority)?.poolName;
  }

  /**
   * Returns the destination of a request.
   *
   * @param host a legal `Host`, or `undefined` for a request without one
   * @returns `undefined` if no pool has this name
   */
  find(host: string | undefined): Destination | undefined {
    if (this.#isUnnamed || host === undefined) return this.#others;
    const found = this.#named(host);
    if (found === undefined) {
      return this.#others && (this.#ofServer(host) ?? this.#labelled(host) ?? this.#others);
    }
    return { pool: found.pool, poolName: found.name, authority: host };
  }

  /** Returns the pool with a server at this host and port. */
  #ofServer(host: string): Destination | undefined {
    if (this.#aliases.size === 0) return undefined;
    // The names of servers have no default port.
    return this.#aliases.get(keyOf(host).replace(defaultPort, ''));
  }

  /**
   * Returns the pool of an address of the proxy such as `pool-b.localhost:8080`, see `core/links/pool-names.ts`. Other
   * names with this first label may be names of other sites.
   */
  #labelled(host: string): Destination | undefined {
    const [name] = split(host);
    return name.endsWith(loopback) ? this.#labels.get(name.slice(0, name.indexOf('.'))) : undefined;
  }

  #named(host: string): (NamedPool & { readonly pool: number }) | undefined {
    const [name, port] = split(host);
    const exact = lookUp(this.#exact, name, port);
    if (exact !== undefined || this.#below.size === 0 || name.startsWith('[')) return exact;
    for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
      const found = lookUp(this.#below, name.slice(dot + 1), port);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/**
 * Returns the entry of a name and a port. Clients leave out the default port of their scheme. A name without a port
 * therefore stands for port 443, which the clients of pools use, and for port 80 if no entry has the name alone.
 */
function lookUp<T>(entries: ReadonlyMap<string, T>, name: string, port: string): T | undefined {
  if (port !== '') return entries.get(`${name}:${port}`) ?? entries.get(name);
  return entries.get(`${name}:443`) ?? entries.get(name) ?? entries.get(`${name}:80`);
}

/** Where a request goes that names the pool by none of its hosts. The pool receives its first name. */
function ownDestination({ name, hosts, authority }: NamedPool, pool: number): Destination {
  const own = hosts.find((host) => !host.startsWith(anyName));
  return { pool, poolName: name, authority: own ?? authority };
}

/** Returns the form in which names are compared. Equal names of two pools have equal keys. */
export function keyOf(host: string): string {
  const [name, port] = split(host);
  return port === '' ? name : `${name}:${port}`;
}

/** Splits a `Host` into its name, in lower case and without a last dot, and its port. */
function split(host: string): readonly [name: string, port: string] {
  const [, name = '', port = ''] = parts.exec(host) ?? [];
  const number = port === '' ? '' : String(Number(port));
  if (name.startsWith('[')) return [canonicalIp(name), number];
  const lower = name.toLowerCase();
  return [lower.endsWith('.') ? lower.slice(0, -1) : lower, number];
}

/** Returns the shortest spelling of an IPv6 address in brackets. */
function canonicalIp(address: string): string {
  const url = `http://${address}`;
  return URL.canParse(url) ? new URL(url).hostname : address.toLowerCase();
}
