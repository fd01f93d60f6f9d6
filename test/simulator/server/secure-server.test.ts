/** The simulated pool over HTTPS. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { expect, test } from '@jest/globals';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { Authority } from '../../support/authority.ts';
import { onCleanup } from '../../support/cleanup.ts';

test('a pool with a certificate speaks HTTPS, and closes a connection that is idle for too long', async () => {
  const authority = new Authority();
  const issued = authority.issue('fe01');
  const pool = await startSimulator({
    tls: { cert: readFileSync(issued.cert, 'utf8'), key: readFileSync(issued.key, 'utf8') },
    keepAliveTimeoutMs: 50,
    latency: 0,
  });
  onCleanup(() => pool.stop());
  expect(pool.url).toMatch(/^https:/);
  const agent = new Agent({ keepAlive: true, ca: readFileSync(authority.cert) });
  onCleanup(() => agent.destroy());
  const asked = request(`${pool.url}/Autodiscover/AutodiscoverService.svc/root`, { agent });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const socket = answer.socket as TLSSocket;
  const closed = once(socket, 'close');
  answer.resume();
  await once(answer, 'end');
  expect([answer.statusCode, socket.authorized]).toEqual([200, true]);
  await closed;
  expect(pool.stats().connections).toBe(1);
});
