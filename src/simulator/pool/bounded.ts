/** Collections that drop their oldest entries, so that the memory of a simulator does not grow. */

/** Keeps the last `max` entries, oldest first. */
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
    // Entries are dropped in large steps, because removing one from the front of an array is slow.
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

/** A Map of at most `max` entries. A new key replaces the oldest one. */
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
