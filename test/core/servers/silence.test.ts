import { describe, expect, test } from '@jest/globals';
import { World } from './world.ts';

describe('a server that does not answer', () => {
  /** Requests at each tick. The server gets its share of them, and never answers. */
  function freeze(world: World, frozen: number): void {
    const loan = world.take();
    if (loan.server !== world.server(frozen)) world.answer(loan);
  }

  test('is ejected within 2 s if other servers answer', () => {
    const world = new World();
    const startMs = world.nowMs;
    for (let n = 0; n < 20 && world.server(1).isActive; n += 1) {
      world.pass(100, () => {
        for (let k = 0; k < 3; k += 1) freeze(world, 1);
      });
    }
    expect(world.log).toEqual(['s1 suspect', 's1 out: silent']);
    expect(world.nowMs - startMs).toBeLessThanOrEqual(2000);
    expect(world.lost.length).toBeGreaterThanOrEqual(3);
    expect(world.lost.every(({ isDead }) => isDead)).toBe(true);
  });

  test('is ejected too if the proxy gives each request up and asks again elsewhere', () => {
    const world = new World();
    for (let n = 0; n < 20 && world.server(1).isActive; n += 1) {
      world.pass(100, () => {
        const loans = Array.from({ length: 3 }, () => world.take());
        for (const loan of loans) {
          if (loan.server === world.server(1)) world.set.ended(loan);
          else world.answer(loan);
        }
      });
    }
    expect(world.log).toEqual(['s1 suspect', 's1 out: silent']);
  });

  test('requests that callers leave do not eject a server that answers others', () => {
    const world = new World();
    world.pass(10_000, () => {
      for (let n = 0; n < 200; n += 1) world.set.ended(world.takeOn(1, { user: 'mallory' }));
      for (let n = 0; n < 3; n += 1) world.answer(world.take());
    });
    expect(world.server(1).unanswered.size).toBeLessThanOrEqual(100);
    expect(world.log.filter((line) => line.includes('out'))).toEqual([]);
  });

  test('one slow request does not eject a server, because the probes are answered', () => {
    const world = new World();
    world.takeOn(1);
    world.pass(10_000, () => {
      for (let k = 0; k < 3; k += 1) world.answer(world.take());
    });
    expect(world.log.filter((line) => line.includes('out'))).toEqual([]);
  });

  test('a pool in which all servers are slow stays as it is', () => {
    const world = new World();
    world.pass(10_000, () => {
      world.take();
    });
    expect(world.log).toEqual([]);
  });

  test('time in which the proxy stood still does not count', () => {
    const world = new World();
    const ask = (): void => {
      for (const index of [0, 2]) world.answer(world.takeOn(index));
      freeze(world, 1);
    };
    world.takeOn(1);
    world.pass(700, ask);
    world.nowMs += 5000;
    world.set.tick(world.nowMs);
    world.pass(300, ask);
    expect(world.log).toEqual(['s1 suspect']);
    world.pass(200, ask);
    expect(world.log).toEqual(['s1 suspect', 's1 suspect', 's1 out: silent']);
  });

  test('retries and writes are never probes', () => {
    const world = new World();
    world.takeOn(1);
    world.pass(600, () => {
      for (const index of [0, 2]) world.answer(world.takeOn(index));
    });
    expect(world.log).toEqual(['s1 suspect']);
    expect(world.take({ isRetry: true }).role).toBe('ordinary');
    expect(world.take({ isSafe: false }).role).toBe('ordinary');
    expect(world.take({ isPoll: true }).role).toBe('ordinary');
    expect(world.take()).toMatchObject({ role: 'probe', server: world.server(1) });
  });

  test('a GET check that passes ends the suspicion against a server, and a TCP check does not', () => {
    const world = new World({ hasChecks: true });
    world.takeOn(1);
    world.pass(600, () => {
      for (const index of [0, 2]) world.answer(world.takeOn(index));
    });
    world.set.checked(world.server(1), true, false, world.nowMs);
    expect(world.server(1).isSuspect).toBe(true);
    world.set.checked(world.server(1), true, true, world.nowMs);
    expect(world.server(1).isSuspect).toBe(false);
  });
});
