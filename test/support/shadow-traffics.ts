/** How clients ask, under the virtual clock; the same in each run. */
import { fraction } from './fraction.ts';
import type { Traffic } from './shadow-beside.ts';

const paths = ['me/note', 'me/presence', 'communication', 'policies'];

/** Each call takes its own time in these bounds. */
export function between(fromMs: number, toMs: number): (target: string) => number {
  return (target) => fromMs + (toMs - fromMs) * fraction(target);
}

/** Of the n-th call of that client: all different, so that none is collapsed. */
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

/** Calls that have nothing to do with each other. */
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

/** A burst of calls now and then, as a device sends when it starts or comes back. */
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

/** A client that waits for each answer before it asks again. */
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

/** Side by side: the users of one are not those of the other. */
export function besides(...traffics: readonly Traffic[]): Traffic {
  return (pool, ask) =>
    traffics.forEach((traffic, i) =>
      traffic(pool, (user, path, done) => ask(`${i} ${user}`, path, done)),
    );
}

/** The same users do both. */
export function together(...traffics: readonly Traffic[]): Traffic {
  return (pool, ask) => {
    for (const traffic of traffics) traffic(pool, ask);
  };
}
