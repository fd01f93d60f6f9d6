/** A JSON document of a pool, read by clients without types. */
export class Document {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path = '') {
    this.#value = value;
    this.#path = path;
  }

  /** Returns the value below these names and positions. */
  at(...path: ReadonlyArray<string | number>): Document {
    let value = this.#value;
    for (const step of path)
      value = (value as Record<string | number, unknown> | undefined)?.[step];
    return new Document(value, [this.#path, ...path].join('/'));
  }

  get exists(): boolean {
    return this.#value !== undefined;
  }

  /** @throws Error for any value but a text */
  get text(): string {
    if (typeof this.#value === 'string') return this.#value;
    throw new Error(`expected a text at ${this.#path}, found ${JSON.stringify(this.#value)}`);
  }

  /** Members of a list; empty without a list. */
  get items(): Document[] {
    const list = Array.isArray(this.#value) ? this.#value : [];
    return list.map((item, i) => new Document(item, `${this.#path}/${i}`));
  }

  /** Names of properties, in the order of the answer. */
  get names(): string[] {
    return Object.keys(this.#value ?? {});
  }

  /** Returns the href of a link of a resource. */
  link(rel: string): string {
    return this.at('_links', rel, 'href').text;
  }
}
