/** The proxy learns which GETs follow events, and holds calls for them. */
import { beforeEach, expect, test } from '@jest/globals';
import { batchKey } from '../../../src/core/ucwa/batch-key.ts';
import { DueGets } from '../../../src/core/priming/due-gets.ts';

const app = '/ucwa/oauth/v1/applications/1';
const user = 'ann';
const key = batchKey(
  app,
  {
    ...{ authorization: user, webTicket: undefined, cookie: undefined, origin: undefined },
    ...{ msOrigin: undefined, minVersion: undefined },
  },
  'pool',
  [],
);

let due: DueGets;
let nowMs: number;
beforeEach(() => {
  due = new DueGets();
  nowMs = 0;
});

const target = (i: number, leaf = 'presence'): string => `${app}/people/p${i}@x/${leaf}`;

function event(count: number, leaf = 'presence'): void {
  const changes = Array.from({ length: count }, (_, i) => ({
    rel: leaf,
    type: 'updated',
    target: target(i, leaf),
  }));
  due.changed(user, app, changes, nowMs);
}

/** Asks for a resource, and returns for how long the call is held, in ms. */
function ask(i: number, openCalls: number, leaf = 'presence'): number | undefined {
  due.asked(key, target(i, leaf), nowMs);
  const untilMs = due.holdUntilMs(key, openCalls, nowMs);
  return untilMs === undefined ? undefined : untilMs - nowMs;
}

/** Reads each of ten resources 10 to 19 ms after its event, in gaps of 1 ms. */
function learn(): void {
  event(10);
  nowMs += 9;
  for (let i = 0; i < 10; i += 1) {
    nowMs += 1;
    ask(i, i + 1);
  }
  nowMs += 5000;
}

test('a call is not held before the proxy knows what the client reads', () => {
  event(10);
  nowMs += 10;
  for (let i = 0; i < 10; i += 1) expect(ask(i, i + 1)).toBeUndefined();
});

test('a GET is held for the usual gap, until the last likely GET has come', () => {
  learn();
  event(3);
  nowMs += 8;
  expect(ask(0, 1)).toBe(2);
  nowMs += 1;
  expect(ask(1, 2)).toBe(2);
  expect(ask(2, 3)).toBe(0);
});

test('a call that no event announced is held only if the stream is held already', () => {
  learn();
  event(2);
  nowMs += 8;
  expect(ask(7, 1, 'elsewhere')).toBeUndefined();
  expect(ask(0, 2)).toBe(2);
  nowMs += 0.5;
  expect(ask(7, 3, 'elsewhere')).toBe(1.5);
  nowMs += 1.5;
  expect(ask(8, 4, 'elsewhere')).toBeUndefined();
});

test('a GET is not held for resources that the client does not read', () => {
  learn();
  for (let n = 0; n < 5; n += 1) {
    event(10, 'note');
    nowMs += 5000;
  }
  event(10, 'note');
  event(1);
  nowMs += 10;
  expect(ask(0, 1)).toBe(0);
});

test('a GET is not held for GETs that are late', () => {
  learn();
  event(2);
  nowMs += 35;
  expect(ask(0, 1)).toBe(0);
});

test('a client with one call at a time is not held', () => {
  for (let n = 0; n < 5; n += 1) {
    event(10);
    for (let i = 0; i < 10; i += 1) {
      nowMs += 10;
      expect([undefined, 0]).toContain(ask(i, 1));
    }
    nowMs += 5000;
  }
});

test('a GET is held to the end of the time in which GETs follow an event', () => {
  learn();
  event(2);
  nowMs += 30;
  expect(ask(0, 1)).toBeCloseTo(0.5);
});

test('the share of a client that no longer reads falls, so that its other calls are not held', () => {
  learn();
  for (let n = 0; n < 5; n += 1) {
    event(10);
    nowMs += 5000;
  }
  event(10);
  nowMs += 10;
  expect(ask(0, 1)).toBeUndefined();
});

test('an event that repeats an earlier one needs only one GET', () => {
  learn();
  for (let n = 0; n < 20; n += 1) {
    event(10);
    nowMs += 2;
  }
  for (let i = 0; i < 9; i += 1) expect(ask(i, i + 1)).toBeGreaterThan(0);
  expect(ask(9, 10)).toBe(0);
});

test('events of one user or application say nothing about another', () => {
  learn();
  event(2);
  nowMs += 10;
  due.asked({ ...key, user: 'bob' }, target(0), nowMs);
  expect(due.holdUntilMs({ ...key, user: 'bob' }, 1, nowMs)).toBeUndefined();
  const elsewhere = { ...key, applicationPath: '/ucwa/oauth/v1/applications/2' };
  due.asked(elsewhere, target(0), nowMs);
  expect(due.holdUntilMs(elsewhere, 1, nowMs)).toBeUndefined();
});

test('a link outside of the application is no due GET', () => {
  const change = { rel: 'x', type: 'updated', target: '/ucwa/oauth/v1/applications/11/me' };
  expect(due.changed(user, app, [change], nowMs).size).toBe(0);
  expect([due.size, due.due]).toEqual([0, 0]);
});

test('the proxy remembers 4,096 applications, and 65,536 due GETs of all of them', () => {
  for (let n = 0; n < 5000; n += 1) {
    const own = `/ucwa/oauth/v1/applications/${n}`;
    due.changed(user, own, [{ rel: 'x', type: 'updated', target: `${own}/me` }], nowMs);
  }
  expect([due.size, due.due]).toEqual([4096, 4096]);
  for (let n = 0; n < 300; n += 1) {
    const own = `/ucwa/oauth/v1/applications/${n}`;
    const changes = Array.from({ length: 600 }, (_, i) => ({
      ...{ rel: 'x', type: 'updated' },
      target: `${own}/people/${i}`,
    }));
    due.changed(user, own, changes, nowMs);
  }
  expect(due.due).toBeLessThanOrEqual(65_536);
});

test('an application without events is forgotten after ten minutes', () => {
  learn();
  nowMs += 600_001;
  due.changed(
    user,
    '/ucwa/oauth/v1/applications/2',
    [{ rel: 'x', type: 'updated', target: '/ucwa/oauth/v1/applications/2/me' }],
    nowMs,
  );
  expect(due.size).toBe(1);
});
