/** The last calls. A frame takes a sample of those since the frame before. */

const maxRows = 16;

interface TapFrame {
  /** Time since the end of the call, in ms. */
  readonly agoMs: number;
  readonly method: string;
  readonly route: string;
  readonly via: string;
  /** 0 without an answer. */
  readonly status: number;
  /** Time from the arrival to the end, in ms. */
  readonly tookMs: number;
  readonly user: string;
  /** What `X-Ucwa-Batch: explain` says of the call; empty if it was not sent by the scheduler. */
  readonly explain: string;
  /** Why it was not answered as usual; empty if it was. */
  readonly reason: string;
}

export interface TapsFrame {
  /** Calls since the last frame that are not in `rows`. */
  readonly skipped: number;
  readonly rows: readonly TapFrame[];
}

type Tapped = Omit<TapFrame, 'agoMs'> & { readonly atMs: number };

export class Tap {
  #rows: Tapped[] = [];
  #seen = 0;

  /** @param make returns the row. It runs only for rows that are kept */
  add(isProblem: boolean, make: () => Tapped): void {
    this.#seen += 1;
    if (this.#rows.length < maxRows) this.#rows.push(make());
    // A row with a problem replaces a row without one.
    else if (isProblem) {
      const place = this.#rows.findIndex(({ reason }) => reason === '');
      if (place !== -1) {
        this.#rows.splice(place, 1);
        this.#rows.push(make());
      }
    }
  }

  /** Returns the calls since the last frame. */
  frame(nowMs: number): TapsFrame {
    const rows = this.#rows.map(({ atMs, ...row }) => ({
      agoMs: Math.round(nowMs - atMs),
      ...row,
    }));
    const skipped = this.#seen - rows.length;
    this.#rows = [];
    this.#seen = 0;
    return { skipped, rows };
  }
}
