/**
 * How long a test with random input runs. A suite gives each test a number of trials. `npm run
 * fuzz` gives all these tests a number of minutes, in equal shares.
 */
const minutes = Number(process.env['FUZZ_MINUTES'] ?? 0);

export const isLongFuzz = minutes > 0;

/**
 * Number of tests that share the minutes: 1 of targets, 2 of round trips, 2 of mutations, 2 of
 * oracles.
 */
const sharers = 7;

/** Parameters for `fc.assert`. */
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

/** Whether a test that draws its own input goes on, after `done` trials since `startedAtMs`. */
export function goesOn(done: number, trials: number, startedAtMs: number): boolean {
  if (!isLongFuzz) return done < trials;
  return performance.now() - startedAtMs < (minutes * 60_000) / sharers;
}

/** Returns `FUZZ_SEED`, which repeats a run, or a new seed. A failure reports the seed. */
export function fuzzSeed(): number {
  const given = process.env['FUZZ_SEED'];
  if (given !== undefined) return Number(given);
  return Math.floor(Math.random() * 0x7fff_ffff);
}
