/** Limits for each name: its open calls, and the bytes of these calls. */
interface ShareLimits {
  readonly maxCallsPerUser: number;
  readonly maxBytesPerUser: number;
}

interface Share {
  calls: number;
  bytes: number;
}

const none: Readonly<Share> = { calls: 0, bytes: 0 };

/** Counts the open calls of each name, which is a user or an address, against the same limits. */
export class Shares {
  readonly #limits: ShareLimits;
  /** By name. A name without calls has no entry. */
  readonly #shares = new Map<string, Share>();

  constructor(limits: ShareLimits) {
    this.#limits = limits;
  }

  /** Number of names with open calls. */
  get size(): number {
    return this.#shares.size;
  }

  /**
   * Counts one more call of a name.
   *
   * @returns ends the count, to be called once when the call is over; or the limit that the call would exceed
   */
  acquire(name: string, bytes: number): (() => void) | 'calls' | 'bytes' {
    const { maxCallsPerUser, maxBytesPerUser } = this.#limits;
    const share = this.#shares.get(name) ?? none;
    if (share.calls >= maxCallsPerUser) return 'calls';
    if (share.bytes + bytes > maxBytesPerUser) return 'bytes';
    this.#count(name, 1, bytes);
    return () => this.#count(name, -1, -bytes);
  }

  #count(name: string, calls: 1 | -1, bytes: number): void {
    const share = this.#shares.get(name) ?? { calls: 0, bytes: 0 };
    share.calls += calls;
    share.bytes += bytes;
    if (share.calls === 0) this.#shares.delete(name);
    else this.#shares.set(name, share);
  }
}
