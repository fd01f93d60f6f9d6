/** What batching saves and costs just now, and the refusals of the last minutes: counts by second. */

/** Seconds that the time line shows. */
export const timeLineS = 120;
/** Seconds of the sentence about the effect. */
const windowS = 5;
const maxWaits = 2048;

interface Second {
  /** Number of the second on the clock; -1 before its first use. */
  at: number;
  calls: number;
  requests: number;
  refused: number;
  refusedByPool: number;
  splits: number;
}

export interface EffectFrame {
  readonly callsPerS: number;
  readonly requestsPerS: number;
  /** Number of calls with a known wait; 0 if the proxy sent no call in these seconds. */
  readonly waited: number;
  readonly waitMs: number;
  readonly waitP95Ms: number;
}

/** For each of the last seconds, the oldest first. */
export interface TimeLineFrame {
  readonly refused: readonly number[];
  readonly refusedByPool: readonly number[];
  readonly splits: readonly number[];
}

type Counted = Exclude<keyof Second, 'at'>;

const emptySecond = (): Second => ({
  at: -1,
  calls: 0,
  requests: 0,
  refused: 0,
  refusedByPool: 0,
  splits: 0,
});

export class Effect {
  readonly #seconds = Array.from({ length: timeLineS }, emptySecond);
  readonly #startedAtMs: number;
  readonly #waitsMs = new Float64Array(maxWaits);
  readonly #waitedAtMs = new Float64Array(maxWaits);
  #waits = 0;

  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
  }

  count(what: Counted, nowMs: number): void {
    const at = Math.floor(nowMs / 1000);
    const second = this.#seconds[at % timeLineS] as Second;
    if (second.at !== at) Object.assign(second, emptySecond(), { at });
    second[what] += 1;
  }

  /** Records that a call waited in the proxy before it was sent. */
  waited(ms: number, nowMs: number): void {
    const place = this.#waits % maxWaits;
    this.#waitsMs[place] = ms;
    this.#waitedAtMs[place] = nowMs;
    this.#waits += 1;
  }

  frame(nowMs: number): EffectFrame {
    const now = Math.floor(nowMs / 1000);
    const fromMs = Math.max((now - windowS + 1) * 1000, this.#startedAtMs);
    const seconds = Math.max(1, (nowMs - fromMs) / 1000);
    const sum = (what: Counted): number =>
      this.#seconds
        .filter(({ at }) => at > now - windowS && at <= now)
        .reduce((total, second) => total + second[what], 0);
    const waits = this.#waitsMs
      .subarray(0, this.#waits)
      .filter((_, i) => (this.#waitedAtMs[i] as number) >= fromMs)
      .sort();
    const mean = waits.reduce((total, ms) => total + ms, 0) / Math.max(1, waits.length);
    return {
      callsPerS: sum('calls') / seconds,
      requestsPerS: sum('requests') / seconds,
      waited: waits.length,
      waitMs: mean,
      waitP95Ms: waits[Math.ceil(waits.length * 0.95) - 1] ?? 0,
    };
  }

  timeLine(nowMs: number): TimeLineFrame {
    const now = Math.floor(nowMs / 1000);
    const of = (what: Counted): number[] =>
      Array.from({ length: timeLineS }, (_, i) => {
        const at = now - timeLineS + 1 + i;
        const second = this.#seconds[((at % timeLineS) + timeLineS) % timeLineS] as Second;
        return second.at === at ? second[what] : 0;
      });
    return {
      refused: of('refused'),
      refusedByPool: of('refusedByPool'),
      splits: of('splits'),
    };
  }
}
