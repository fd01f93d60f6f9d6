/** The servers of a pool, and the ways in which they fail. */
import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from '@jest/globals';
import { startSimulator, type SimulatorOptions } from '../../../src/simulator/simulator.ts';
import { freePort } from '../../support/free-port.js';
import { startPool } from '../../support/pool.ts';
import { bearer, send } from '../http-client.ts';

const me = '/ucwa/oauth/v1/applications/104/me';
const asked = { headers: bearer('ann') };

async function threeServers(options: SimulatorOptions = {}) {
  const pool = await startPool({ servers: 3, ...options });
  const [first, second, third] = pool.servers;
  if (!first || !second || !third) throw new Error('expected three servers');
  return { pool, first, second, third };
}

test('all servers share the state of the pool, and each says its name', async () => {
  const { pool, first, second, third } = await threeServers({ applications: 'created' });
  expect(pool.url).toBe(first.url);
  const created = await send(`${second.url}/ucwa/oauth/v1/applications`, {
    method: 'POST',
    headers: { ...bearer('ann'), 'Content-Type': 'application/json' },
    body: '{"EndpointId":"e"}',
  });
  const { id } = JSON.parse(created.body.toString()) as { id: string };
  const answer = await send(`${third.url}/ucwa/oauth/v1/applications/${id}/me`, asked);
  expect([answer.status, answer.headers['x-ms-server-fqdn']]).toEqual([200, 'fe03.pool.example']);
  expect(pool.servers.map(({ requests }) => requests)).toEqual([0, 1, 1]);
});

test('a server that is down refuses connections until it recovers, and the others answer', async () => {
  const { first, second } = await threeServers();
  await second.fail('down');
  await expect(send(second.url + me, asked)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect((await send(first.url + me, asked)).status).toBe(200);
  await second.recover();
  expect((await send(second.url + me, asked)).status).toBe(200);
});

test('a frozen server accepts connections, and answers after it recovered', async () => {
  const { first } = await threeServers();
  await first.fail('frozen');
  const probe = net.connect(first.port, '127.0.0.1');
  await once(probe, 'connect');
  probe.destroy();
  const pending = send(first.url + me, asked);
  await first.recover();
  expect((await pending).status).toBe(200);
});

test('an unavailable server answers 503, and runs nothing', async () => {
  const { pool, third } = await threeServers();
  await third.fail('unavailable');
  const answer = await send(third.url + me, { ...asked, method: 'POST', body: 'x' });
  expect([answer.status, answer.headers['content-type']]).toEqual([503, 'text/html']);
  expect(pool.ledger.entries()).toEqual([]);
  await third.fail('down');
  await third.recover();
  expect((await send(third.url + me, asked)).status).toBe(200);
});

test('a fault can happen at one server or one host only', async () => {
  const { pool, first, second } = await threeServers();
  const fault = { kind: 'status', status: 503 } as const;
  pool.faults.add({ on: { server: 'fe02.pool.example' }, times: Infinity, fault });
  pool.faults.add({ on: { host: 'HOME.pool.example' }, times: Infinity, fault });
  const statusAt = async (url: string, host: string) =>
    (await send(url + me, { headers: { ...bearer('ann'), Host: host } })).status;
  expect(await statusAt(first.url, 'lyncweb.pool.example')).toBe(200);
  expect(await statusAt(first.url, 'home.pool.example')).toBe(503);
  expect(await statusAt(second.url, 'lyncweb.pool.example')).toBe(503);
});

test('servers listen on consecutive ports, and none listens if one port is taken', async () => {
  // The system gives these ports to no other program.
  const below = await freePort();
  await startPool({ port: below + 1 });
  await expect(startSimulator({ port: below, servers: 2 })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  const free = await startSimulator({ port: below });
  await free.stop();
  expect(free.port).toBe(below);
});
