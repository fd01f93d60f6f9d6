/** Time as the engine sees it: monotonic milliseconds, and one alarm. */
export interface Clock {
  now(): number;
  /**
   * Rings once at that time or a little later; for a time that is past, at the end of this turn of
   * the event loop. Returns how to call it off.
   */
  alarm(atMs: number, ring: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  alarm(atMs, ring) {
    const inMs = Math.ceil(atMs - performance.now());
    if (inMs <= 0) {
      const immediate = setImmediate(ring);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(ring, inMs);
    return () => clearTimeout(timer);
  },
};
