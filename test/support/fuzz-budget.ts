/**
 * How long a test with random input goes on. In a suite: so many trials. Under `npm run fuzz` the
 * same tests run by time, so many minutes between them.
 */
const minutes = Number(process.env['FUZZ_MINUTES'] ?? 0);

export const isLongFuzz = minutes > 0;

/** How many tests share the minutes: 1 of targets, 2 of round trips, 2 of mutations, 2 of oracles. */
const sharers = 7;

/** What `fc.assert` is told. */
export function fuzzRuns(trials: number): {
  seed?: number;
  numRuns: number;
  interruptAfterTimeLimit?: number;
  markInterruptAsFailure?: boolean;
} {
  if (!isLongFuzz) return { numRuns: trials };
  const seed = process.env['FUZZ_SEED'];
  return {
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: (minutes * 60_000) / sharers,
    markInterruptAsFailure: false,
  };
}

/** For tests that draw by themselves: whether to go on after so many trials since that time. */
export function goesOn(done: number, trials: number, startedAtMs: number): boolean {
  if (!isLongFuzz) return done < trials;
  return performance.now() - startedAtMs < (minutes * 60_000) / sharers;
}

/** Another one each time, unless a run is to be repeated. A failure tells it. */
export function fuzzSeed(): number {
  const given = process.env['FUZZ_SEED'];
  if (given !== undefined) return Number(given);
  return Math.floor(Math.random() * 0x7fff_ffff);
}
