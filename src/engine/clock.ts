/** The time source of the engine: monotonic milliseconds, and timers. */
export interface Clock {
  readonly now: () => number;
  /**
   * Calls `run` once, at the time or a little later. If the time has passed, it does so at the end of this
   * event-loop turn. Returns a function that cancels the timer.
   */
  setTimer(atMs: number, run: () => void): () => void;
}

/** A timer that is later than this shows an event-loop stall, in ms. */
const lateMs = 20;

export const systemClock: Clock = {
  now: performance.now.bind(performance),
  setTimer(atMs, run) {
    let immediate: NodeJS.Immediate | undefined;
    const runNext = (): void => void (immediate = setImmediate(run));
    const inMs = Math.ceil(atMs - performance.now());
    if (inMs <= 0) {
      runNext();
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(() => {
      // Read what came during the stall first: an answer that is already here is not late.
      if (performance.now() - atMs > lateMs) runNext();
      else run();
    }, inMs);
    return () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    };
  },
};
