/** Choices of a run. All come from one source. */
export class Choice {
  readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  /** A number from `least` to `most`; small ones are as likely as large ones. */
  magnitude(least: number, most: number): number {
    return least * (most / least) ** this.random();
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  of<T>(values: readonly T[]): T {
    return values[Math.floor(this.random() * values.length)]!;
  }
}
