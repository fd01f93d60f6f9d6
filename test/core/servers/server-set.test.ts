import { describe, expect, test } from '@jest/globals';
import type { Loan } from '../../../src/core/servers/server.ts';
import { World } from './world.ts';

const originOf = (loan: Loan): string => loan.server.origin.slice(7);

describe('the choice of a server', () => {
  test('takes the server with the least requests, in turn among equals', () => {
    const world = new World();
    const loans = Array.from({ length: 6 }, () => world.take());
    expect(loans.map(originOf)).toEqual(['s0', 's1', 's2', 's0', 's1', 's2']);
    world.answer(loans[1]!);
    expect(originOf(world.take())).toBe('s1');
  });

  test('spreads polls by their number, apart from other requests', () => {
    const world = new World();
    const polls = Array.from({ length: 3 }, () => world.take({ isPoll: true }));
    expect(new Set(polls.map(originOf)).size).toBe(3);
    const busy = world.takeOn(0);
    expect(originOf(busy)).toBe('s0');
    expect(['s1', 's2']).toContain(originOf(world.take()));
  });

  test('never takes a server that the request was tried on, and ends when all were', () => {
    const world = new World({ servers: 2 });
    const tried = new Set([world.server(0)]);
    expect(originOf(world.take({}, tried))).toBe('s1');
    tried.add(world.server(1));
    expect(world.set.take(world.request(), world.nowMs, tried)).toBeUndefined();
  });

  test('a retry avoids servers that have not answered its user, and servers that failed it', () => {
    const world = new World();
    world.takeOn(0, { user: 'ann' });
    world.fail(world.takeOn(1, { user: 'ann' }), 'reset');
    for (let n = 0; n < 5; n += 1) world.takeOn(2);
    expect(originOf(world.take({ user: 'ann', isRetry: true }))).toBe('s2');
    expect(originOf(world.take({ user: 'ben', isRetry: true }))).toBe('s1');
  });

  test('fallback servers get requests only while no other server works', () => {
    const world = new World({ servers: 2, fallback: 1 });
    world.eject(0);
    expect(originOf(world.take())).toBe('s1');
    world.eject(1);
    expect(originOf(world.take())).toBe('f0');
    expect(world.set.tier).toBe('fallback');
    world.pass(2000);
    const trial = world.take();
    expect(trial).toMatchObject({ role: 'trial', server: { isFallback: false } });
    world.answer(trial);
    expect(world.take().server.isFallback).toBe(false);
    expect(world.log.filter((line) => line.startsWith('tier'))).toEqual([
      'tier: fallback',
      'tier: first',
    ]);
  });

  test('if no server works, all servers of the first tier get requests, and an answer brings one back', () => {
    const world = new World({ servers: 2 });
    world.eject(0);
    world.eject(1);
    expect(world.set.tier).toBe('all');
    world.pass(100);
    const loans = [world.take({ isSafe: false }), world.take({ isSafe: false })];
    expect(loans.map(originOf).sort()).toEqual(['s0', 's1']);
    world.answer(loans[0]!);
    expect(loans[0]!.server.isActive).toBe(true);
    expect(world.set.tier).toBe('first');
  });
});

describe('connections that cannot be opened', () => {
  test('eject a server after two in a row', () => {
    const world = new World();
    world.fail(world.takeOn(1), 'connect');
    world.answer(world.takeOn(1));
    world.fail(world.takeOn(1), 'connect');
    expect(world.log).toEqual([]);
    world.fail(world.takeOn(1), 'connect');
    expect(world.log).toEqual(['s1 out: connect']);
  });

  test('give up requests that wait for the server, which then move if they were not sent', () => {
    const world = new World();
    const { request } = world.takeOn(1);
    world.eject(1);
    expect(world.lost).toContainEqual({ request, isDead: false });
  });
});

describe('a connection that is opened for a request', () => {
  test('counts as evidence without the request', () => {
    const world = new World();
    for (let n = 0; n < 2; n += 1) world.set.connectFailed(world.server(0), world.nowMs);
    expect(world.log).toEqual(['s0 out: connect']);
  });

  test('to another server takes the request there, and says nothing good about the first one', () => {
    const world = new World();
    const loan = world.takeOn(0);
    world.set.connectFailed(world.server(0), world.nowMs);
    const moved = world.set.moved(loan, world.server(1), world.nowMs);
    world.answer(moved);
    expect(world.set.servers.map(({ calls }) => calls)).toEqual([0, 0, 0]);
    world.set.connectFailed(world.server(0), world.nowMs);
    expect(world.log).toEqual(['s0 out: connect']);
  });

  test('goes to the best server that was not tried', () => {
    const world = new World();
    world.takeOn(0);
    world.eject(1);
    const next = world.set.next(new Set(), world.nowMs);
    expect(next).toBe(world.server(2));
    expect(world.set.next(new Set([world.server(2)]), world.nowMs)).toBe(world.server(0));
    expect(world.set.next(new Set(world.set.servers), world.nowMs)).toBeUndefined();
  });
});

describe('evidence that clients can influence', () => {
  test('one user alone cannot eject a server that other users use', () => {
    const world = new World();
    for (let n = 0; n < 100; n += 1) {
      world.answer(world.takeOn(0, { user: 'mallory' }), false);
      world.fail(world.takeOn(0, { user: 'mallory' }), 'reset');
      world.pass(1000, () => world.answer(world.takeOn(1)));
    }
    expect(world.log).toEqual([]);
  });

  test('the only user of a pool is believed', () => {
    const world = new World();
    world.answer(world.takeOn(0, { user: 'ann' }));
    world.pass(10_000);
    for (let n = 0; n < 5; n += 1) world.answer(world.takeOn(0, { user: 'ann' }), false);
    expect(world.log).toEqual(['s0 out: unavailable']);
  });

  test.each(['unavailable', 'reset'] as const)(
    '%s: an answer of another user ends the run',
    (kind) => {
      const world = new World();
      const harm = (): void =>
        kind === 'reset' ? world.fail(world.takeOn(0), kind) : world.answer(world.takeOn(0), false);
      for (let n = 0; n < 2; n += 1) harm();
      world.answer(world.takeOn(0));
      for (let n = 0; n < 2; n += 1) harm();
      expect(world.log).toEqual([]);
      for (let n = 0; n < 3; n += 1) harm();
      expect(world.log).toEqual([`s0 out: ${kind}`]);
    },
  );

  test('requests that began before the server came back are no evidence', () => {
    const world = new World();
    const old = Array.from({ length: 10 }, () => world.takeOn(0));
    world.pass(100);
    world.eject(0);
    world.pass(1000);
    world.answer(world.take());
    for (const loan of old.slice(0, 5)) world.fail(loan, 'reset');
    for (const loan of old.slice(5)) world.answer(loan, false);
    expect(world.log).toEqual(['s0 out: connect', 's0 back']);
  });

  test('it ejects at most half of the servers, rounded up', () => {
    const world = new World({ servers: 3 });
    for (let index = 0; index < 3; index += 1) {
      for (let n = 0; n < 10; n += 1) world.answer(world.takeOn(index), false);
    }
    expect(world.log).toEqual(['s0 out: unavailable', 's1 out: unavailable']);
  });
});

describe('the return of an ejected server', () => {
  test('begins after 1, 2, 3, 3, 3 s, with one safe request at a time', () => {
    const world = new World();
    world.eject(0);
    const waitsMs: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const outAtMs = world.nowMs;
      while (world.server(0).health.kind === 'ejected') world.pass(100);
      waitsMs.push(world.nowMs - outAtMs);
      const write = world.take({ isSafe: false });
      expect(originOf(write)).not.toBe('s0');
      const trial = world.take();
      expect(trial).toMatchObject({ role: 'trial', server: world.server(0) });
      expect(originOf(world.take())).not.toBe('s0');
      world.fail(trial, 'connect');
    }
    expect(waitsMs).toEqual([1000, 2000, 3000, 3000, 3000]);
    expect(world.log).toEqual(['s0 out: connect']);
  });

  test('is over with the first healthy answer to a request that began after the ejection', () => {
    const world = new World();
    const old = world.takeOn(0);
    world.eject(0);
    world.pass(1000);
    world.answer(old);
    expect(world.server(0).health.kind).toBe('trial');
    world.answer(world.take());
    expect(world.log).toEqual(['s0 out: connect', 's0 back']);
  });

  test('a trial without an answer is given up after 1 s', () => {
    const world = new World();
    world.eject(0);
    world.pass(1000);
    const trial = world.take();
    expect(trial.role).toBe('trial');
    world.pass(1000);
    expect(world.lost).toContainEqual({ request: trial.request, isDead: true });
    expect(world.server(0).health).toMatchObject({ kind: 'ejected', reason: 'silent' });
  });

  test('waits for an active check that passes', () => {
    const world = new World({ hasChecks: true });
    world.eject(0);
    world.pass(20_000);
    expect(world.server(0).health.kind).toBe('ejected');
    world.set.checked(world.server(0), true, false, world.nowMs);
    world.pass(100);
    expect(world.server(0).health.kind).toBe('trial');
  });

  test('a server that worked for 30 s is out for 1 s again', () => {
    const world = new World();
    const waitsMs: number[] = [];
    for (const worksMs of [10_000, 30_000, 0]) {
      world.eject(0);
      const outAtMs = world.nowMs;
      while (world.server(0).health.kind === 'ejected') world.pass(100);
      waitsMs.push(world.nowMs - outAtMs);
      world.answer(world.take());
      world.pass(worksMs);
    }
    expect(waitsMs).toEqual([1000, 2000, 1000]);
  });
});

describe('active checks', () => {
  test('eject a server after two failures in a row', () => {
    const world = new World({ hasChecks: true });
    const check = (isPassed: boolean): void =>
      world.set.checked(world.server(2), isPassed, true, world.nowMs);
    for (const isPassed of [false, true, false]) check(isPassed);
    expect(world.log).toEqual([]);
    check(false);
    expect(world.log).toEqual(['s2 out: check']);
  });

  test('may eject all servers', () => {
    const world = new World({ hasChecks: true });
    for (const server of world.set.servers) {
      for (let n = 0; n < 2; n += 1) world.set.checked(server, false, true, world.nowMs);
    }
    expect(world.set.tier).toBe('all');
  });

  test('that fail while requests are answered eject each server once, until a check passes', () => {
    const world = new World({ servers: 2, hasChecks: true });
    const check = (isPassed: boolean): void => {
      for (const server of world.set.servers)
        world.set.checked(server, isPassed, true, world.nowMs);
    };
    for (let n = 0; n < 20; n += 1) {
      check(false);
      world.pass(1000, () => world.answer(world.take()));
    }
    expect(world.log).toEqual(['s0 out: check', 's1 out: check', 'tier: all']);
    check(true);
    world.pass(200, () => world.answer(world.take()));
    expect(world.log.slice(3)).toEqual(['s0 back', 'tier: first', 's1 back']);
  });
});

test('idle connections are kept to servers that may get requests', () => {
  const world = new World({ servers: 2 });
  world.eject(0);
  expect(world.set.servers.map((server) => world.set.mayKeep(server))).toEqual([false, true]);
  world.eject(1);
  expect(world.set.servers.map((server) => world.set.mayKeep(server))).toEqual([true, true]);
});
