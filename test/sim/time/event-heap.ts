/** Events by time. Events of one time keep the order in which they were added. */
export interface TimedEvent {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

const fewCancelled = 1000;

export class EventHeap {
  #heap: TimedEvent[] = [];
  #order = 0;
  #cancelled = 0;

  /** Number of events that are left. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  get nextMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.atMs;
  }

  add(atMs: number, run: () => void): TimedEvent {
    const event = { atMs, order: this.#order, run };
    this.#order += 1;
    this.#push(event);
    return event;
  }

  cancel(event: TimedEvent): void {
    if (event.run === undefined) return;
    event.run = undefined;
    this.#cancelled += 1;
    if (this.#cancelled > fewCancelled && this.#cancelled > this.#heap.length / 2) {
      const left = this.#heap.filter(({ run }) => run !== undefined);
      this.#heap = [];
      this.#cancelled = 0;
      for (const one of left) this.#push(one);
    }
  }

  /** Takes the first event, if its time has come. */
  takeDue(nowMs: number): (() => void) | undefined {
    this.#dropCancelled();
    const [first] = this.#heap;
    if (first === undefined || first.atMs > nowMs) return undefined;
    this.#removeFirst();
    const { run } = first;
    first.run = undefined;
    return run;
  }

  #dropCancelled(): void {
    while (this.#heap[0] !== undefined && this.#heap[0].run === undefined) {
      this.#removeFirst();
      this.#cancelled -= 1;
    }
  }

  #push(event: TimedEvent): void {
    const heap = this.#heap;
    let place = heap.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = event;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
  }
}

function isBefore(one: TimedEvent, other: TimedEvent): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
