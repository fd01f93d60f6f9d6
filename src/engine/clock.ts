/** Time as the engine sees it: monotonic milliseconds, and one alarm. */
export interface Clock {
  now(): number;
  /**
   * Rings once at that time or a little later; for a time that is past, at the end of this turn of
   * the event loop. Returns how to call it off.
   */
  alarm(atMs: number, ring: () => void): () => void;
}

/** A timer that is later than this was kept from ringing. */
const stoodStillMs = 50;

export const systemClock: Clock = {
  now: () => performance.now(),
  alarm(atMs, ring) {
    const inMs = Math.ceil(atMs - performance.now());
    if (inMs <= 0) {
      const immediate = setImmediate(ring);
      return () => clearImmediate(immediate);
    }
    let immediate: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => {
      // The process stood still. What came meanwhile is read before anybody's time is up.
      if (performance.now() - atMs > stoodStillMs) immediate = setImmediate(ring);
      else ring();
    }, inMs);
    return () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    };
  },
};
