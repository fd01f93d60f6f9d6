/** What one of many takes of a bound that all of them share: calls that are not over, and their bytes. */
export interface ShareLimits {
  readonly maxCalls: number;
  readonly maxBytes: number;
}

interface Share {
  calls: number;
  bytes: number;
}

const none: Readonly<Share> = { calls: 0, bytes: 0 };

export class Shares {
  readonly #limits: ShareLimits;
  /** By name; a share that is empty is not kept. */
  readonly #shares = new Map<string, Share>();

  constructor(limits: ShareLimits) {
    this.#limits = limits;
  }

  /** Names that have a share. */
  get size(): number {
    return this.#shares.size;
  }

  /**
   * Counts one more call of that name.
   *
   * @returns what to call, once, when it is over; or which bound it would break
   */
  acquire(name: string, bytes: number): (() => void) | 'calls' | 'bytes' {
    const { maxCalls, maxBytes } = this.#limits;
    const share = this.#shares.get(name) ?? none;
    if (share.calls >= maxCalls) return 'calls';
    if (share.bytes + bytes > maxBytes) return 'bytes';
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
