/** A pool of several servers behind the whole proxy. */
import { expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import type { ServersOptions } from '../../src/app/servers.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { freePort } from '../support/free-port.js';
import { readAdmin } from '../support/metric-values.ts';
import { startPool } from '../support/pool.ts';
import { startProxyFrom } from '../support/proxy.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { startRelay } from '../support/relay.ts';
import { SigningClient, webTicket } from '../support/signing-client.ts';
import { startSigningPool } from '../support/signing-pool.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

async function start(options: Partial<ServersOptions>) {
  const pools = JSON.stringify([{ name: 'a', connectionAuth: 'bind', ...options }]);
  const proxy = await startProxyFrom(`pools: ${pools}`);
  const client = new UcwaClient(proxy.url);
  const states = async (): Promise<string[]> => {
    const { body } = await readAdmin(proxy.ports.admin, '/servers');
    const { servers } = JSON.parse(body) as { servers: ReadonlyArray<{ state: string }> };
    return servers.map(({ state }) => state);
  };
  return { proxy, client, states };
}

const refusing = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;
const requests = (...pools: readonly Simulator[]): number[] =>
  pools.map((pool) => pool.stats().requests);

test('unbatched and passed-through calls are spread over the servers', async () => {
  const pools = [await startPool(), await startPool()] as const;
  const { client } = await start({ servers: pools.map(({ url }) => url) });
  for (const path of ['me', 'photos/x', 'me']) {
    const before = requests(...pools);
    for (let n = 0; n < 4; n += 1) await client.ask(`${app}/${path}`);
    const counts = requests(...pools).map((count, place) => count - (before[place] ?? 0));
    expect([path, counts]).toEqual([path, [2, 2]]);
  }
});

test('writes of one user to one resource keep their order, whichever servers they go to', async () => {
  const pools = [await startPool({ latency: 40 }), await startPool({ latency: 1 })] as const;
  const { client } = await start({ servers: pools.map(({ url }) => url) });
  const nonces = Array.from({ length: 8 }, (_, n) => `w${n}`);
  const answers = nonces.map((nonce) =>
    client.ask(`${app}/me/note`, {
      method: 'POST',
      headers: { 'X-Nonce': nonce, 'Content-Type': 'application/json' },
      body: '{"message":"x"}',
    }),
  );
  for (const { status } of await Promise.all(answers)) expect(status).toBeLessThan(300);
  const ran = pools.flatMap(({ ledger }) => ledger.entries());
  const inOrder = ran.toSorted((a, b) => a.at - b.at).map(({ nonce }) => nonce);
  expect(inOrder).toEqual(nonces);
  expect(Math.min(...requests(...pools))).toBeGreaterThan(0);
});

test.each([
  ['ends the connection', 504, (_: string, socket: Socket) => void socket.resetAndDestroy()],
  [
    'answers that it cannot serve requests',
    503,
    (_: string, socket: Socket) =>
      void socket.write(
        'HTTP/1.1 503 Down\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n',
      ),
  ],
])('a GET reaches servers at most twice if each server %s', async (_, status, script) => {
  const pools = await Promise.all([1, 2, 3, 4].map(() => startScriptedPool(script)));
  const { client } = await start({ servers: pools.map(({ url }) => url) });
  expect((await client.ask(`${app}/me`)).status).toBe(status);
  expect(pools.flatMap((pool) => pool.requests)).toHaveLength(2);
});

test('a server that is down is logged once, counted and shown, and the fallback servers take over', async () => {
  const pool = await startPool();
  const down = await refusing();
  const { proxy, client, states } = await start({ servers: [down], fallback: [pool.url] });
  expect(await states()).toEqual(['active', 'active']);
  for (let n = 0; n < 4; n += 1) expect((await client.ask(`${app}/me`)).status).toBe(200);
  const write = { method: 'DELETE' };
  expect((await client.ask(`${app}/communication/conversations/1`, write)).status).toBe(204);
  const lines = proxy.log.filter((line) => !line.includes('"msg":"call"'));
  const calls = proxy.log.filter((line) => line.includes('"msg":"call"'));
  const host = new URL(pool.url).host;
  expect(calls.map((line) => (JSON.parse(line) as { server: string }).server)).toEqual(
    Array(5).fill(host),
  );
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'a server of the pool is out',
    'no server of the pool works: the fallback servers get all requests',
  ]);
  expect(lines[0]).toContain(
    `"server":"${down}","reason":"connect","because":"no connection to it can be opened"`,
  );
  const metrics = await proxy.metrics();
  const count = (state: string) => metrics.get(`ucwa_proxy_servers{state="${state}"}`);
  expect(count('active')).toBe(0);
  expect(count('fallback')).toBe(1);
  expect((count('ejected') ?? 0) + (count('trial') ?? 0)).toBe(1);
});

test('a health check finds a server that is down before any call', async () => {
  const pool = await startPool();
  const { proxy, states } = await start({
    servers: [pool.url, await refusing()],
    health: { path: '/', tcpPort: pool.port, intervalMs: 500 },
  });
  await proxy.untilLogged(/"reason":"check"/);
  expect((await states())[1]).not.toBe('active');
});

test('a client that signs in stays on one server, and the clients are spread', async () => {
  const pools = [await startSigningPool({}), await startSigningPool({})];
  const { proxy } = await start({ servers: pools.map(({ url }) => url) });
  const clients = Array.from({ length: 4 }, () => new SigningClient(proxy.port));
  for (const [n, client] of clients.entries()) {
    expect((await client.signIn(`user${n}`)).said?.user).toBe(`user${n}`);
    for (let k = 0; k < 3; k += 1) {
      expect((await client.ask('/abs/handler')).said?.user).toBe(`user${n}`);
    }
  }
  const signedIn = pools.map(
    ({ connections }) => connections.filter(({ user }) => user !== null).length,
  );
  expect(signedIn).toEqual([2, 2]);
});

test('a client on a server that goes out signs in anew on another server', async () => {
  const pools = [await startSigningPool({}), await startSigningPool({})] as const;
  const relay = await startRelay(Number(new URL(pools[0].url).port));
  const { proxy } = await start({
    servers: [relay.url, pools[1].url],
    health: { path: webTicket, intervalMs: 500 },
  });
  const clients = [new SigningClient(proxy.port), new SigningClient(proxy.port)];
  for (const [n, client] of clients.entries()) await client.signIn(`user${n}`);
  // The connections that are there stay, and new ones are refused.
  await relay.close();
  await proxy.untilLogged(/"reason":"check"/);
  const users = await Promise.all(clients.map((client) => client.ask('/abs/handler')));
  expect(users.map(({ said }) => said?.user ?? 'nobody').sort()).toEqual(['nobody', 'user1']);
  for (const [n, client] of clients.entries()) {
    expect((await client.signIn(`user${n}`)).said?.user).toBe(`user${n}`);
  }
});

test('with one server nothing is checked, and the page of servers is empty', async () => {
  const pool = await startPool();
  const { proxy, states } = await start({
    servers: [pool.url],
    health: { path: '/', intervalMs: 500 },
  });
  expect(await states()).toEqual([]);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_servers{state="active"}')).toBe(1);
  expect(requests(pool)).toEqual([0]);
});
