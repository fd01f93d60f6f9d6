/** Requests on connections that follow a client. */
import { expect, test } from '@jest/globals';
import type { Loan } from '../../../src/core/servers/server.ts';
import { World } from './world.ts';

/** A request on a connection to the first server, opened now unless the time says otherwise. */
const takeOn = (world: World, openedAtMs = world.nowMs): Loan =>
  world.set.takeOn(world.server(0), world.request(), world.nowMs, openedAtMs);

test('requests count as load and as evidence', () => {
  const world = new World({ servers: 2 });
  const loans = Array.from({ length: 5 }, () => takeOn(world));
  expect(world.server(0).calls).toBe(5);
  for (const loan of loans) world.answer(loan, false);
  expect(world.log).toEqual(['s0 out: unavailable']);
});

test('an answer on a connection from before the ejection does not bring the server back', () => {
  const world = new World({ servers: 2 });
  const openedAtMs = world.nowMs;
  world.eject(0);
  world.pass(100);
  world.answer(takeOn(world, openedAtMs));
  expect(world.log).toEqual(['s0 out: connect']);
  world.answer(takeOn(world));
  expect(world.log).toEqual(['s0 out: connect', 's0 back']);
});

test('a new connection tests a server that nothing else tests, once in 5 s', () => {
  const world = new World({ servers: 2 });
  world.eject(0);
  world.pass(4900);
  expect(world.server(0).health.kind).toBe('trial');
  expect(world.set.next(new Set(), world.nowMs)).toBe(world.server(1));
  world.pass(100);
  expect(world.set.next(new Set(), world.nowMs)).toBe(world.server(0));
  expect(world.set.next(new Set(), world.nowMs)).toBe(world.server(1));
  const trial = takeOn(world);
  expect(trial.role).toBe('trial');
  world.answer(trial);
  expect(world.log).toEqual(['s0 out: connect', 's0 back']);
});
