/** Time as the engine sees it: monotonic milliseconds, and one alarm. */
export interface Clock {
  now(): number;
  /** Rings once at that time or a little later. Returns how to call it off. */
  alarm(atMs: number, ring: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  alarm(atMs, ring) {
    const timer = setTimeout(ring, Math.max(0, Math.ceil(atMs - performance.now())));
    return () => clearTimeout(timer);
  },
};
