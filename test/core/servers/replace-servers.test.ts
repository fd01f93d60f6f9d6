import { describe, expect, test } from '@jest/globals';
import type { Loan } from '../../../src/core/servers/server.ts';
import { World } from './world.ts';

const originOf = (loan: Loan): string => loan.server.origin.slice(7);

describe('other servers in the settings', () => {
  const origins = (...names: readonly string[]): string[] => names.map((name) => `http://${name}`);

  test('servers that stay keep their state, and those that go get no new request', () => {
    const world = new World();
    world.eject(1);
    const underWay = world.takeOn(2);
    const [, out] = world.set.servers;
    const { added, removed } = world.set.replace(
      { servers: origins('s0', 's1', 's3'), fallback: [] },
      world.nowMs,
    );
    expect([added, removed].map((all) => all.map(({ origin }) => origin.slice(7)))).toEqual([
      ['s3'],
      ['s2'],
    ]);
    expect(world.set.servers[1]).toBe(out);
    expect(out?.isActive).toBe(false);
    const taken = Array.from({ length: 4 }, () => originOf(world.take()));
    expect(new Set(taken)).toEqual(new Set(['s0', 's3']));
    expect(world.set.mayKeep(underWay.server)).toBe(false);
  });

  test('a server that went is neither ejected nor brought back by its last requests', () => {
    const world = new World();
    world.eject(0);
    const loans = Array.from({ length: 9 }, () => world.takeOn(2));
    const trial = world.takeOn(0);
    world.set.replace({ servers: origins('s1'), fallback: origins('f0') }, world.nowMs);
    const before = world.log.length;
    for (const loan of loans) world.fail(loan, 'connect');
    world.answer(trial);
    expect(world.log.slice(before)).toEqual([]);
    expect(world.set.tier).toBe('first');
  });

  test('without a server that works, the fallback servers of the new settings take over', () => {
    const world = new World({ servers: 2 });
    world.eject(0);
    world.set.replace({ servers: origins('s0'), fallback: origins('f0') }, world.nowMs);
    expect([world.set.tier, originOf(world.take())]).toEqual(['fallback', 'f0']);
  });
});
