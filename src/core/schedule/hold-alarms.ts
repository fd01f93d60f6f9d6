import type { Stream } from './user.ts';

interface Entry<T> {
  readonly atMs: number;
  readonly stream: Stream<T>;
}

/** The streams that hold, by the time at which their hold ends: a binary heap. */
export class HoldAlarms<T> {
  readonly #heap: Array<Entry<T>> = [];

  get nextAtMs(): number | undefined {
    return this.#heap[0]?.atMs;
  }

  add(stream: Stream<T>, atMs: number): void {
    let at = this.#heap.push({ atMs, stream }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#entry(parent).atMs <= this.#entry(at).atMs) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes out the next stream whose time has come, and which still holds until that time. */
  takeDue(nowMs: number): Stream<T> | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined || top.atMs > nowMs) return undefined;
      this.#removeTop();
      const { hold } = top.stream;
      if (hold.kind === 'holding' && hold.untilMs === top.atMs) return top.stream;
    }
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
      const smaller =
        right < this.#heap.length && this.#entry(right).atMs < this.#entry(left).atMs
          ? right
          : left;
      if (this.#entry(at).atMs <= this.#entry(smaller).atMs) return;
      this.#swap(at, smaller);
      at = smaller;
    }
  }

  #entry(index: number): Entry<T> {
    return this.#heap[index] as Entry<T>;
  }

  #swap(a: number, b: number): void {
    const entry = this.#entry(a);
    this.#heap[a] = this.#entry(b);
    this.#heap[b] = entry;
  }
}
