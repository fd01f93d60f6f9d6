/** The work of one owner. */
interface OwnerQueue {
  /** Slots that are taken. */
  taken: number;
  readonly waiting: Set<() => void>;
  /** Whether waiting work is being begun: work that ends at once must not begin the next one inside itself. */
  isAdvancing: boolean;
}

/**
 * A concurrency limit for each owner of work that uses something shared, such as connections to the pool. Work beyond
 * the limit waits, in the order in which it came. So one owner can never take everything that is shared.
 */
export class OwnerSlots {
  readonly #maxPerOwner: number;
  /** By owner. An owner without work has no entry. */
  readonly #queues = new Map<string, OwnerQueue>();

  constructor(maxPerOwner: number) {
    this.#maxPerOwner = maxPerOwner;
  }

  /** Number of pieces of work that wait. */
  get waiting(): number {
    let waiting = 0;
    for (const queue of this.#queues.values()) waiting += queue.waiting.size;
    return waiting;
  }

  /** Owners that have work, waiting or begun. */
  get size(): number {
    return this.#queues.size;
  }

  /**
   * Calls `begin` now, or when the owner has a free slot.
   *
   * @param begin must not throw
   * @returns releases the slot, or takes the work out of the queue if it has not begun; further calls do nothing
   */
  acquire(owner: string, begin: () => void): () => void {
    const queue = this.#queues.get(owner) ?? { taken: 0, waiting: new Set(), isAdvancing: false };
    this.#queues.set(owner, queue);
    let state: 'waiting' | 'begun' | 'released' = 'waiting';
    const start = (): void => {
      state = 'begun';
      begin();
    };
    queue.waiting.add(start);
    this.#advance(owner, queue);
    return () => {
      if (state === 'released') return;
      if (state === 'waiting') queue.waiting.delete(start);
      else queue.taken -= 1;
      state = 'released';
      this.#advance(owner, queue);
    };
  }

  #advance(owner: string, queue: OwnerQueue): void {
    if (queue.isAdvancing) return;
    queue.isAdvancing = true;
    for (const start of queue.waiting) {
      if (queue.taken >= this.#maxPerOwner) break;
      queue.waiting.delete(start);
      queue.taken += 1;
      start();
    }
    queue.isAdvancing = false;
    if (queue.taken === 0 && queue.waiting.size === 0) this.#queues.delete(owner);
  }
}
