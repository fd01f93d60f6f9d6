interface Entry<E> {
  readonly atMs: number;
  /** Number of the entry in order of addition. Entries with the same time are taken in this order. */
  readonly order: number;
  readonly item: E;
}

/**
 * Timers in a binary heap. A timer cannot be canceled. Its owner checks, when it takes the entry, whether the
 * entry still matters.
 */
export class TimerHeap<E> {
  readonly #heap: Array<Entry<E>> = [];
  #added = 0;

  get nextAtMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  add(what: E, atMs: number): void {
    this.#added += 1;
    let at = this.#heap.push({ atMs, order: this.#added, item: what }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#isBefore(parent, at)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /**
   * Removes and returns the entry that is due first.
   *
   * @throws if the heap is empty; `nextAtMs` is `Infinity` then
   */
  take(): Entry<E> {
    const top = this.#heap[0];
    if (top === undefined) throw new Error('no timer is set');
    this.#removeTop();
    return top;
  }

  #removeTop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    let at = 0;
    for (;;) {
      const left = at * 2 + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const first = right < this.#heap.length && this.#isBefore(right, left) ? right : left;
      if (this.#isBefore(at, first)) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const one = this.#entry(a);
    const other = this.#entry(b);
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
  }

  #entry(index: number): Entry<E> {
    return this.#heap[index] as Entry<E>;
  }

  #swap(a: number, b: number): void {
    const entry = this.#entry(a);
    this.#heap[a] = this.#entry(b);
    this.#heap[b] = entry;
  }
}
