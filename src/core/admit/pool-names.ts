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

/** A host name or an IPv6 address in brackets, and a port. */
const parts = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/;

export class PoolNames {
  /** Destinations of exact names, by name or by name and port. */
  readonly #exact = new Map<string, NamedPool & { readonly pool: number }>();
  /** The same for `*.example.com`, without the `*.`. */
  readonly #below = new Map<string, NamedPool & { readonly pool: number }>();
  /** Where a request with any other name goes. */
  readonly #others: Destination | undefined;
  readonly #isUnnamed: boolean;

  constructor(pools: readonly NamedPool[]) {
    for (const [pool, named] of pools.entries()) {
      for (const host of named.hosts) {
        const entry = { ...named, pool };
        if (host.startsWith(below)) this.#below.set(keyOf(host.slice(below.length)), entry);
        else if (host !== anyName) this.#exact.set(keyOf(host), entry);
      }
    }
    this.#isUnnamed = this.#exact.size + this.#below.size === 0;
    const pool = pools.findIndex(({ hosts }) => hosts.length === 0 || hosts.includes(anyName));
    const other = pools[pool];
    if (other === undefined) return;
    const own = other.hosts.find((host) => !host.startsWith(anyName));
    this.#others = { pool, poolName: other.name, authority: own ?? other.authority };
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
    if (found === undefined) return this.#others;
    return { pool: found.pool, poolName: found.name, authority: host };
  }

  #named(host: string): (NamedPool & { readonly pool: number }) | undefined {
    const [name, port] = split(host);
    const exact = this.#exact.get(`${name}:${port}`) ?? this.#exact.get(name);
    if (exact !== undefined || this.#below.size === 0 || name.startsWith('[')) return exact;
    for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
      const rest = name.slice(dot + 1);
      const found = this.#below.get(`${rest}:${port}`) ?? this.#below.get(rest);
      if (found !== undefined) return found;
    }
    return undefined;
  }
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
