/** Collections that forget their oldest entries, so that a simulator may run for days. */

/** The last `max` entries, oldest first. */
export class BoundedLog<T> {
  readonly #max: number;
  readonly #onForget: (entry: T) => void;
  #entries: T[] = [];

  constructor(max: number, onForget: (entry: T) => void = () => undefined) {
    this.#max = max;
    this.#onForget = onForget;
  }

  add(entry: T): void {
    this.#entries.push(entry);
    // In large steps: taking one entry off the front of a large array each time costs too much.
    if (this.#entries.length >= this.#max * 2) this.#forget(this.#max);
  }

  forgetOlderHalf(): void {
    this.#forget(Math.ceil(this.#entries.length / 2));
  }

  #forget(count: number): void {
    for (const old of this.#entries.splice(0, count)) this.#onForget(old);
  }

  last(): readonly T[] {
    return this.#entries.slice(-this.#max);
  }

  clear(): void {
    this.#entries = [];
  }
}

/** A Map of at most `max` entries; a new key pushes the oldest one out. */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #max: number;

  constructor(max: number) {
    super();
    this.#max = max;
  }

  override set(key: K, value: V): this {
    if (this.size >= this.#max && !this.has(key)) {
      const oldest = this.keys().next();
      if (oldest.done === false) this.delete(oldest.value);
    }
    return super.set(key, value);
  }
}
