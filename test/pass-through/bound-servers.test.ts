/** Bound clients in front of several servers. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { RawClient, Rig, until } from './rig.ts';
import { down, front, ok } from './servers-rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

/** A bound client, which keeps its connection. `ask` returns the status of the answer. */
function boundClient(port: number, user: string): { ask: () => Promise<string> } {
  const client = new RawClient(port);
  rig.onClose(() => client.leave());
  return {
    async ask() {
      client.received = '';
      client.send(`GET / HTTP/1.1\r\nHost: p\r\nX-Bound: 1\r\nX-User: ${user}\r\n\r\n`);
      await until(() => /(?:ok|no)$/.test(client.received));
      return client.received.slice(9, 12);
    },
  };
}

test('a server that cannot serve requests is ejected, and new bound clients use another one', async () => {
  const pools = [await rig.cannedPool(down), await rig.cannedPool(ok)];
  const { port, log, pool } = await front(
    rig,
    pools.map((one) => one.port),
  );
  const clients = Array.from({ length: 4 }, (_, n) => boundClient(port, `u${n}`));
  const first: string[] = [];
  for (const client of clients) first.push(await client.ask());
  expect(first.sort()).toEqual(['200', '200', '503', '503']);
  for (let n = 0; n < 4; n += 1) for (const client of clients) await client.ask();
  expect(log).toEqual(['s0 out: unavailable']);
  for (let n = 0; n < 4; n += 1) expect(await boundClient(port, `new ${n}`).ask()).toBe('200');
  expect(pool.set.servers.map(({ calls, unanswered }) => calls + unanswered.size)).toEqual([0, 0]);
});

test('a bound call never moves', async () => {
  const pools = [await rig.cannedPool(down), await rig.cannedPool(ok)];
  const { port } = await front(
    rig,
    pools.map((one) => one.port),
  );
  expect(await boundClient(port, 'ann').ask()).toBe('503');
  expect(pools.map(({ requests }) => requests.length)).toEqual([1, 0]);
});
