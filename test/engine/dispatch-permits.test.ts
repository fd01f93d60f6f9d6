import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DispatchPermits, type Permit } from '../../src/engine/dispatch-permits.ts';

interface Grant {
  readonly user: object;
  readonly unbatched: boolean;
  readonly permit: Permit;
}

function permitsFor(perUser: number, process: number, unbatchedPerUser = perUser) {
  const granted: Grant[] = [];
  const made = new DispatchPermits<object>(
    { perUser, unbatchedPerUser, process },
    (user, unbatched, permit) => {
      granted.push({ user, unbatched, permit });
    },
  );
  return { made, granted };
}

/** Waits until p-queue has granted all that it can. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a user with slow requests gets more permits, up to half of all connections', async () => {
  const { made, granted } = permitsFor(2, 10);
  const greedy = {};
  for (let i = 0; i < 20; i += 1) {
    made.request(greedy, false, false);
    await settled();
    for (const { permit } of granted) permit.freeSlot();
    await settled();
  }
  expect(granted.length).toBeGreaterThan(2);
  expect(granted.length).toBeLessThanOrEqual(5);
  const other = {};
  made.request(other, false, false);
  await settled();
  expect(granted.at(-1)?.user).toBe(other);
  for (const { permit } of granted) permit.release();
});

test('fewer slots hold as requests end, and more slots hold from the next end on', async () => {
  const { made, granted } = permitsFor(3, 10);
  const user = {};
  const ask = async (): Promise<void> => {
    made.request(user, false, false);
    await settled();
  };
  const end = async (count: number): Promise<void> => {
    for (const { permit } of granted.splice(0, count)) permit.release();
    await settled();
  };
  for (let i = 0; i < 4; i += 1) await ask();
  expect(granted).toHaveLength(3);
  made.limitUsers({ perUser: 1, unbatchedPerUser: 1 });
  await end(1);
  expect(granted).toHaveLength(2);
  await end(2);
  expect(granted).toHaveLength(1);
  await ask();
  expect(granted).toHaveLength(1);
  made.limitUsers({ perUser: 2, unbatchedPerUser: 2 });
  await end(1);
  await ask();
  expect(granted).toHaveLength(2);
  await end(2);
});

test('an operation goes before all permits that wait for a connection, and other unbatched calls wait their turn', async () => {
  const { made, granted } = permitsFor(4, 1);
  const users = { first: {}, batch: {}, slow: {}, operation: {} };
  made.request(users.first, false, false);
  await settled();
  made.request(users.batch, false, false);
  await settled();
  made.request(users.slow, true, false);
  made.request(users.operation, true, true);
  for (let i = 0; i < 4; i += 1) {
    granted[i]?.permit.release();
    await settled();
  }
  const order = granted.map(({ user }) =>
    Object.entries(users)
      .find(([, known]) => known === user)
      ?.at(0),
  );
  expect(order).toEqual(['first', 'operation', 'batch', 'slow']);
});

test('slow calls of one user leave most connections to others, and let its operation go first', async () => {
  const { made, granted } = permitsFor(4, 8, 2);
  const slow = {};
  for (let i = 0; i < 10; i += 1) {
    made.request(slow, true, false);
    await settled();
  }
  expect(granted).toHaveLength(2);
  // One unbatched call still waits, and must not take the place of the operation.
  made.request(slow, true, true);
  await settled();
  expect(granted).toHaveLength(3);
  made.request({}, false, false);
  await settled();
  expect(granted).toHaveLength(4);
});

test('a permit that waits for a slot of its user gets the next released slot, once', async () => {
  const { made, granted } = permitsFor(1, 10);
  const user = {};
  made.request(user, false, false);
  made.request(user, false, false);
  made.request(user, false, false);
  expect(granted).toHaveLength(1);
  const [first] = granted;
  // Released early, and again at the end.
  first?.permit.freeSlot();
  expect(granted).toHaveLength(2);
  made.request(user, false, false);
  first?.permit.release();
  await settled();
  expect(granted).toHaveLength(2);
  granted[1]?.permit.release();
  await settled();
  expect(granted).toHaveLength(3);
});

test('a slot counts once if it is freed twice, the second time during the next grant', async () => {
  const permits: Permit[] = [];
  const made = new DispatchPermits<object>(
    { perUser: 1, unbatchedPerUser: 1, process: 10 },
    (_, __, permit) => {
      permits.push(permit);
      if (permits.length !== 2) return;
      made.request(user, false, false);
      permits[0]?.release();
    },
  );
  const user = {};
  made.request(user, false, false);
  made.request(user, false, false);
  permits[0]?.freeSlot();
  await settled();
  expect(permits).toHaveLength(2);
});

test('a free connection is taken at once, and the first waiting permit gets the first released connection', async () => {
  const kinds = fc.constantFrom('batch', 'unbatched', 'urgent');
  const steps = fc.array(fc.oneof(kinds, fc.nat(20)), { minLength: 5, maxLength: 40 });
  let waited = 0;
  const schedule = fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (most, list) => {
    const { made, granted } = permitsFor(1, most);
    const released = new Set<Grant>();
    let wanted = 0;
    for (const step of list) {
      const before = granted.length;
      let atOnce = 0;
      if (typeof step === 'string') {
        atOnce = wanted < most ? 1 : 0;
        waited += 1 - atOnce;
        wanted += 1;
        made.request({}, step !== 'batch', step === 'urgent');
      } else {
        const out = granted.filter((grant) => !released.has(grant));
        const given = out[step % Math.max(1, out.length)];
        if (given === undefined) continue;
        released.add(given);
        wanted -= 1;
        // No permit is granted at once: when a client leaves, all its waiting calls end first.
        given.permit.release();
      }
      expect(granted).toHaveLength(before + atOnce);
      await settled();
      expect(granted.length - released.size).toBe(Math.min(wanted, most));
    }
  });
  await fc.assert(schedule, { numRuns: 300 });
  expect(waited).toBeGreaterThan(300);
});

test('a new permit does not overtake waiting permits at a connection that was just released', async () => {
  const { made, granted } = permitsFor(1, 1);
  const [first, second, third] = [{}, {}, {}];
  made.request(first, false, false);
  made.request(second, false, false);
  granted[0]?.permit.release();
  made.request(third, false, false);
  await settled();
  granted[1]?.permit.release();
  await settled();
  expect(granted.map(({ user }) => [first, second, third].indexOf(user))).toEqual([0, 1, 2]);
});

test('a permit that waits for a slot of its user is not granted in the turn of the release', async () => {
  const { made, granted } = permitsFor(1, 1);
  const user = {};
  made.request(user, false, false);
  made.request(user, false, false);
  made.request(user, true, false);
  expect(granted).toHaveLength(1);
  granted[0]?.permit.release();
  expect(granted).toHaveLength(1);
  await settled();
  granted[1]?.permit.release();
  await settled();
  expect(granted.map(({ unbatched }) => unbatched)).toEqual([false, true, false]);
});

test('an operation also goes first if it comes right after the release of a connection', async () => {
  const { made, granted } = permitsFor(4, 1);
  const [first, slow, operation] = [{}, {}, {}];
  made.request(first, false, false);
  made.request(slow, true, false);
  granted[0]?.permit.release();
  made.request(operation, true, true);
  await settled();
  granted[1]?.permit.release();
  await settled();
  expect(granted.map(({ user }) => [first, slow, operation].indexOf(user))).toEqual([0, 2, 1]);
});

test('a connection that is released twice is free once', async () => {
  const { made, granted } = permitsFor(1, 1);
  made.request({}, false, false);
  granted[0]?.permit.release();
  granted[0]?.permit.release();
  await settled();
  made.request({}, false, false);
  made.request({}, false, false);
  await settled();
  expect(granted).toHaveLength(2);
});
