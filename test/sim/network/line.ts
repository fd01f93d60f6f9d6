/**
 * One direction of a connection. Bytes arrive in order, in pieces, after a delay. A direction can fail after a number
 * of bytes: it is reset, or ended, or its bytes vanish.
 */
import type { VirtualTime } from '../time/virtual-time.ts';

/** What happens at `failsAt`. */
export type Failure = 'reset' | 'end' | 'vanish' | 'stall';

export interface DirectionPlan {
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Largest piece. */
  readonly maxPiece: number;
  /** Number of bytes after which the failure happens. */
  readonly failsAt: number;
  readonly failure: Failure;
  readonly stallMs: number;
}

export interface LineParts {
  readonly time: VirtualTime;
  readonly random: () => number;
  readonly plan: DirectionPlan;
  /** Receives bytes, the end (`null`), or a reset (`undefined`). */
  readonly deliver: (piece: Buffer | null | undefined) => void;
  /** The failure happens now. */
  readonly failed: (failure: Failure) => void;
}

/** Bytes that the sender may have on the line before its writes wait. */
const windowBytes = 65_536;

export class Line {
  readonly #with: LineParts;
  /** Without the failure from then on: the line was healed. */
  #isHealed = false;
  #sent = 0;
  #onTheWay = 0;
  #lastMs = 0;
  #isOver = false;
  #vanishes = false;
  #waiting: Array<() => void> = [];
  /** Called with the bytes of each write. */
  onSent: (bytes: Buffer) => void = () => undefined;

  constructor(parts: LineParts) {
    this.#with = parts;
  }

  /** Whether bytes were lost. */
  get hasFailed(): boolean {
    return this.#vanishes;
  }

  get isHealed(): boolean {
    return this.#isHealed;
  }

  /** The time when all that was sent has arrived. */
  get arrivesMs(): number {
    return this.#lastMs;
  }

  /** From now on no failure begins. */
  heal(): void {
    this.#isHealed = true;
  }

  /** @param taken called when the line has room for more */
  send(bytes: Buffer, taken: () => void): void {
    const { plan } = this.#with;
    this.onSent(bytes);
    const perfect = this.#isHealed;
    const left = perfect || this.#vanishes ? Infinity : plan.failsAt - this.#sent;
    const intact = bytes.subarray(0, Math.max(0, Math.min(bytes.length, left)));
    this.#sent += bytes.length;
    for (let at = 0; at < intact.length;) {
      const size = perfect ? intact.length : 1 + Math.floor(this.#with.random() * plan.maxPiece);
      this.#later(intact.subarray(at, at + size));
      at += size;
    }
    if (intact.length < bytes.length || (left === bytes.length && left > 0)) {
      this.#fail(bytes.subarray(intact.length));
    }
    if (this.#onTheWay < windowBytes) taken();
    else this.#waiting.push(taken);
  }

  end(): void {
    this.#later(null);
  }

  /** Resets the receiver. Bytes on the way arrive before. */
  reset(): void {
    this.#later(undefined);
  }

  /** Drops what is on the way, and all that follows. */
  cut(): void {
    this.#isOver = true;
    for (const taken of this.#waiting.splice(0)) taken();
  }

  #fail(rest: Buffer): void {
    const { plan, failed } = this.#with;
    if (plan.failure === 'stall') {
      failed('stall');
      this.#isHealed = true;
      this.#lastMs = Math.max(this.#lastMs, this.#with.time.nowMs) + plan.stallMs;
      if (rest.length > 0) this.#later(rest);
      return;
    }
    this.#after(() => failed(plan.failure));
    this.#vanishes = true;
  }

  #later(piece: Buffer | null | undefined): void {
    if (this.#vanishes) return;
    const size = piece?.length ?? 0;
    this.#onTheWay += size;
    this.#after(() => {
      this.#onTheWay -= size;
      if (!this.#isOver) this.#with.deliver(piece);
      if (this.#onTheWay < windowBytes) for (const taken of this.#waiting.splice(0)) taken();
    });
  }

  #after(then: () => void): void {
    const { time, plan, random } = this.#with;
    const takesMs = plan.delayMs + (this.#isHealed ? 0 : random() * plan.jitterMs);
    this.#lastMs = Math.max(this.#lastMs, time.nowMs + takesMs);
    time.at(this.#lastMs, then);
  }
}
