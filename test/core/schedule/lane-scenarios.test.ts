/** What callers pay for slow calls that are not theirs, under the virtual clock. */
import { describe, expect, test } from '@jest/globals';
import { fraction } from '../../support/fraction.ts';
import { LimitedPool, wayMs } from '../../support/limited-pool.ts';

const paths = ['me/note', 'me/presence', 'people/ann@example.com/presence', 'communication'];
const slowShare = 0.05;

/** 20 to 40 ms, or 40 times as long. */
function tookMs(target: string): number {
  const quickMs = 20 + 20 * fraction(`${target} ms`);
  return target.includes('slow') ? quickMs * 40 : quickMs;
}

/** What every twentieth call asks for, so that it is slow. */
const slows = {
  'one slow route': () => 'me/slow',
  'many paths of one slow template': (n: number) => `people/slow${n}@example.com/note`,
  'slow calls that nothing predicts': (n: number) => `${paths[n % paths.length]!}?slow`,
};

const traffics = {
  'bursts of 8': (pool: LimitedPool, ask: () => void) => {
    for (let i = 0; i < 8; i += 1) pool.after(pool.random() * 4, ask);
    return 300 + pool.random() * 400;
  },
  '60 calls a second': (pool: LimitedPool, ask: () => void) => {
    ask();
    return -Math.log(1 - pool.random()) * (1000 / 60);
  },
};

/** From the time when every route is known. */
const measuredFromMs = 6000;
const measuredToMs = 18_000;

interface Seen {
  /** Times of quick calls over what they take when nobody is in between, by percentile. */
  readonly ratios: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly saved: number;
  readonly failed: number;
}

/** Ten users; `traffic` asks, and says when it goes on. */
function play(
  traffic: (pool: LimitedPool, ask: () => void) => number,
  slow: (n: number) => string,
  lingerMaxMs = 15,
): Seen {
  const pool = new LimitedPool({ limit: () => 100, routeMs: tookMs }, { lingerMaxMs });
  const quick: Array<{ waitedMs: number; aloneMs: number }> = [];
  let calls = 0;
  let measuring = false;
  const ask = (user: string): void => {
    calls += 1;
    const isSlow = pool.random() < slowShare;
    const asked = isSlow ? slow(calls) : paths[Math.floor(pool.random() * paths.length)]!;
    const path = `${asked}${asked.includes('?') ? '&' : '?'}n=${calls}`;
    const aloneMs = tookMs(`/ucwa/v1/applications/1/${path}`) + 2 * wayMs;
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

describe.each(Object.entries(traffics))(
  'where every twentieth call is 40 times slower, %s',
  (_name, traffic) => {
    describe.each(['one slow route', 'many paths of one slow template'] as const)('%s', (slow) => {
      test('costs the others next to nothing, and most of the saving stays', () => {
        const { ratios, saved, failed } = play(traffic, slows[slow]);
        expect(ratios.p50).toBeLessThan(1.5);
        expect(ratios.p95).toBeLessThan(1.6);
        expect(ratios.p99).toBeLessThan(1.5);
        expect(saved).toBeGreaterThan(0.4);
        expect(failed).toBe(0);
      });

      test('costs less still with holds of 10 ms', () => {
        expect(play(traffic, slows[slow], 10).ratios.p95).toBeLessThan(1.4);
      });
    });

    test('slow calls that nothing predicts cost the others at most 4 times their time', () => {
      const { ratios, failed } = play(traffic, slows['slow calls that nothing predicts']);
      expect(ratios.p99).toBeLessThan(4);
      expect(failed).toBe(0);
    });
  },
);
