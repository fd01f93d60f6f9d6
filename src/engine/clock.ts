/** Time as the engine sees it: monotonic milliseconds, and one alarm. */
export interface Clock {
  readonly now: () => number;
  /**
   * Rings once at that time or a little later; for a time that is past, at the end of this turn of
   * the event loop. Returns how to call it off.
   */
  alarm(atMs: number, ring: () => void): () => void;
}

/** An alarm that is later means that the process stood still. */
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
      // What came meanwhile is read first: an answer that is there is not late.
      if (performance.now() - atMs > lateMs) ringNext();
      else ring();
    }, inMs);
    return () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    };
  },
};
