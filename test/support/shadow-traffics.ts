/** Patterns of calls under the virtual clock, the same in each run. */
import { fraction } from './fraction.ts';
import type { Traffic } from './shadow-beside.ts';

const paths = ['me/note', 'me/presence', 'communication', 'policies'];

/** The latency of each call is its own, within these bounds. */
export function between(fromMs: number, toMs: number): (target: string) => number {
  return (target) => fromMs + (toMs - fromMs) * fraction(target);
}

/** The path of the client's n-th call. All paths differ, so that no calls are collapsed. */
function pathOf(client: string, n: number): string {
  return `${paths[n % paths.length]!}?n=${client}.${n}`;
}

function forEachUser(
  users: number,
  start: (user: string, random: (what: string) => number) => void,
  seed: string,
): void {
  for (let user = 0; user < users; user += 1) {
    start(`user ${user}`, (what) => fraction(`${seed} ${user} ${what}`));
  }
}

/** Calls that are independent of each other. */
export function poisson(users: number, perSecond: number, untilMs: number, seed = ''): Traffic {
  return (pool, ask) =>
    forEachUser(
      users,
      (user, random) => {
        let n = 0;
        const go = (): void => {
          if (pool.nowMs > untilMs) return;
          n += 1;
          ask(user, pathOf(user, n));
          pool.after((-Math.log(1 - random(`gap ${n}`)) * 1000) / perSecond, go);
        };
        pool.after(random('start') * 100, go);
      },
      seed,
    );
}

/** Occasional bursts of calls, as a device sends them when it starts or wakes. */
export function bursts(
  users: number,
  size: number,
  spreadMs: number,
  untilMs: number,
  seed = '',
): Traffic {
  return (pool, ask) =>
    forEachUser(
      users,
      (user, random) => {
        let n = 0;
        const go = (): void => {
          if (pool.nowMs > untilMs) return;
          for (let i = 0; i < size; i += 1) {
            n += 1;
            const path = pathOf(`burst ${user}`, n);
            pool.after(random(`at ${n}`) * spreadMs, () => ask(user, path));
          }
          pool.after(300 + random(`pause ${n}`) * 400, go);
        };
        pool.after(random('start') * 500, go);
      },
      seed,
    );
}

/** Clients that wait for each answer before they ask again. */
export function sequential(users: number, thinkMs: number, untilMs: number): Traffic {
  return (pool, ask) =>
    forEachUser(
      users,
      (user, random) => {
        let n = 0;
        const go = (): void => {
          if (pool.nowMs > untilMs) return;
          n += 1;
          ask(user, pathOf(`chain ${user}`, n), () => pool.after(thinkMs, go));
        };
        pool.after(random('start') * 100, go);
      },
      '',
    );
}

/** Combines traffics of different users. */
export function besides(...traffics: readonly Traffic[]): Traffic {
  return (pool, ask) =>
    traffics.forEach((traffic, i) =>
      traffic(pool, (user, path, done) => ask(`${i} ${user}`, path, done)),
    );
}

/** Combines traffics of the same users. */
export function together(...traffics: readonly Traffic[]): Traffic {
  return (pool, ask) => {
    for (const traffic of traffics) traffic(pool, ask);
  };
}
