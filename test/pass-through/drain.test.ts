/** The end of the drain, in front of several servers. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Rig, ask, until } from './rig.ts';
import { front, get } from './servers-rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

test('sent GETs that get no answer end with 504, and are no evidence against a server', async () => {
  const pools = [await rig.cannedPool(''), await rig.cannedPool('')];
  const { port, passThrough, told, log } = await front(
    rig,
    pools.map((pool) => pool.port),
  );
  const asked = Array.from({ length: 8 }, (_, n) => ask(port, get(`/${n}`, `X-User: u${n}`)));
  await until(() => pools.reduce((sum, { requests }) => sum + requests.length, 0) === 8);
  passThrough.endWaiting();
  const statuses = (await Promise.all(asked)).map((answer) => answer.slice(9, 12));
  expect(statuses).toEqual(Array(8).fill('504'));
  expect(told.flatMap(({ faults }) => faults)).toEqual(
    Array(8).fill({ phase: 'unknown', name: 'destination_unavailable' }),
  );
  expect(log).toEqual([]);
});
