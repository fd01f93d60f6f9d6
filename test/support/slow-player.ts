/** Plays traffics in which every twentieth call is slow, with the real core in virtual time. */
import { fraction } from './fraction.ts';
import { LimitedPool, wayMs } from './limited-pool.ts';

const paths = ['me/note', 'me/presence', 'people/ann@example.com/presence', 'communication'];
const slowShare = 0.05;

/** Time of a call: 20 to 40 ms, multiplied by `slower` for a slow call. */
function tookMs(target: string, slower: number): number {
  const quickMs = 20 + 20 * fraction(`${target} ms`);
  return target.includes('slow') ? quickMs * slower : quickMs;
}

/** Paths of the slow calls. */
export const slows = {
  'one slow route': () => 'me/slow',
  'many paths of one slow template': (n: number) => `people/slow${n}@example.com/note`,
  'slow calls that nothing predicts': (n: number) => `${paths[n % paths.length]!}?slow`,
};

export const slowTraffics = {
  'bursts of 8': (pool: LimitedPool, ask: () => void) => {
    for (let i = 0; i < 8; i += 1) pool.after(pool.random() * 4, ask);
    return 300 + pool.random() * 400;
  },
  '60 calls a second': (pool: LimitedPool, ask: () => void) => {
    ask();
    return -Math.log(1 - pool.random()) * (1000 / 60);
  },
};

/** By this time the core has learned every route. */
const measuredFromMs = 6000;
const measuredToMs = 18_000;

export interface Seen {
  /** Latency of quick calls divided by their latency without a proxy, by percentile. */
  readonly ratios: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly saved: number;
  readonly failed: number;
}

/**
 * Plays ten users. `traffic` asks and returns the pause before the next calls. `slower` is the
 * factor of slow calls.
 */
export function playSlow(
  traffic: (pool: LimitedPool, ask: () => void) => number,
  slow: (n: number) => string,
  { lingerMaxMs = 15, slower = 40 } = {},
): Seen {
  const routeMs = (target: string): number => tookMs(target, slower);
  const pool = new LimitedPool({ limit: () => 100, routeMs }, { lingerMaxMs });
  const quick: Array<{ waitedMs: number; aloneMs: number }> = [];
  let calls = 0;
  let measuring = false;
  const ask = (user: string): void => {
    calls += 1;
    const isSlow = pool.random() < slowShare;
    const asked = isSlow ? slow(calls) : paths[Math.floor(pool.random() * paths.length)]!;
    const path = `${asked}${asked.includes('?') ? '&' : '?'}n=${calls}`;
    const aloneMs = routeMs(`/ucwa/v1/applications/1/${path}`) + 2 * wayMs;
    const counts = measuring && !isSlow;
    pool.ask(
      user,
      (_ok, waitedMs) => {
        if (counts) quick.push({ waitedMs, aloneMs });
      },
      { path },
    );
  };
  for (let user = 0; user < 10; user += 1) {
    const goOn = (): void => {
      pool.after(
        traffic(pool, () => ask(`user ${user}`)),
        goOn,
      );
    };
    pool.after(pool.random() * 500, goOn);
  }
  pool.until(measuredFromMs);
  measuring = true;
  calls = 0;
  const { requests, failed } = pool.until(measuredToMs);
  const at = (share: number): number => {
    const [waited, alone] = (['waitedMs', 'aloneMs'] as const).map((name) =>
      quick.map((call) => call[name]).sort((a, b) => a - b),
    );
    const index = Math.floor(quick.length * share);
    return waited![index]! / alone![index]!;
  };
  return {
    ratios: { p50: at(0.5), p95: at(0.95), p99: at(0.99) },
    saved: 1 - requests / calls,
    failed,
  };
}
