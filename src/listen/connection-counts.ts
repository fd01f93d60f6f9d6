/** The open connections of one client address. */
export interface AddressUse {
  readonly address: string;
  connections: number;
}

/** Counts the open connections of clients, together and by address. Several listeners can share the counts. */
export class ConnectionCounts {
  readonly #maxConnections: number;
  readonly #maxPerAddress: number;
  readonly #byAddress = new Map<string, AddressUse>();
  #connections = 0;

  /** @param maxPerAddress limit for one client address; trusted peers have no such limit */
  constructor(maxConnections: number, maxPerAddress: number) {
    this.#maxConnections = maxConnections;
    this.#maxPerAddress = maxPerAddress;
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#connections;
  }

  /** Counts one more connection. Returns `undefined` if it would exceed a limit. */
  open(address: string, isTrusted: () => boolean): AddressUse | undefined {
    if (this.#connections >= this.#maxConnections) return undefined;
    const use = this.#byAddress.get(address) ?? { address, connections: 0 };
    if (use.connections >= this.#maxPerAddress && !isTrusted()) return undefined;
    use.connections += 1;
    this.#connections += 1;
    this.#byAddress.set(address, use);
    return use;
  }

  close(use: AddressUse): void {
    use.connections -= 1;
    this.#connections -= 1;
    if (use.connections === 0) this.#byAddress.delete(use.address);
  }
}
