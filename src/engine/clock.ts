/** The time source of the engine: monotonic milliseconds, and timers. */
export interface Clock {
  readonly now: () => number;
  /**
   * Calls `ring` once, at the time or a little later. If the time has passed, it does so at the end of this
   * event-loop turn. Returns a function that cancels the timer.
   */
  alarm(atMs: number, ring: () => void): () => void;
}

/** A timer that is later than this shows an event-loop stall, in ms. */
const lateMs = 20;

export const systemClock: Clock = {
  now: performance.now.bind(performance),
  alarm(atMs, ring) {
    let immediate: NodeJS.Immediate | undefined;
    const ringNext = (): void => void (immediate = setImmediate(ring));
    const inMs = Math.ceil(atMs - performance.now());
    if (inMs <= 0) {
      ringNext();
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(() => {
      // Read what came during the stall first: an answer that is already here is not late.
      if (performance.now() - atMs > lateMs) ringNext();
      else ring();
    }, inMs);
    return () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    };
  },
};
