/** The page at the admin port, and what the port does for it. */
import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { type AdminPage, AdminServer } from '../../src/admin/admin-server.ts';
import { loadPage } from '../../src/page/document.ts';
import { onCleanup } from '../support/cleanup.ts';
import { RawClient } from '../support/raw-client.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

async function start(page: Partial<AdminPage> = {}): Promise<number> {
  const server = new AdminServer({
    ...{ hosts: [], version: '0', readiness: () => ({}), config: () => ({}), servers: () => [] },
    metrics: { contentType: 'text/plain', render: () => Promise.resolve('') },
    page: {
      document: loadPage,
      subscribe: () => false,
      whatIf: () => Promise.resolve({ status: 200, value: {} }),
      ...page,
    },
  });
  onCleanup(() => server.stop());
  return server.listen('127.0.0.1', 0);
}

async function answerTo(port: number, path: string) {
  const client = new RawClient(port);
  client.send(get(path));
  const answer = await client.readAnswer();
  client.leave();
  return answer;
}

test('a replay may take longer than a connection may be without traffic', async () => {
  const replay = new EventEmitter();
  const begun = once(replay, 'begun');
  const port = await start({
    async whatIf() {
      const done = once(replay, 'done');
      replay.emit('begun');
      await done;
      return { status: 200, value: { calls: 7 } };
    },
  });
  const client = new RawClient(port);
  client.send(get('/what-if'));
  await begun;
  // This connection is younger, and the server closes it for its silence.
  const silent = new RawClient(port);
  await silent.readAll();
  replay.emit('done');
  const { status, body } = await client.readAnswer();
  expect([status, body.toString()]).toEqual([200, '{"calls":7}\n']);
});

test.each([
  '/',
  '/livez',
  '/readyz',
  '/metrics',
  '/servers',
  '/config',
  '/version',
  '/what-if',
  '/no',
])('other web pages can neither frame nor embed %s', async (path) => {
  const { head } = await answerTo(await start(), path);
  expect(head).toMatch(/^content-security-policy: default-src 'none'.*frame-ancestors 'none'/im);
  expect(head).toMatch(/^cross-origin-resource-policy: same-origin$/im);
  expect(head).toMatch(/^x-content-type-options: nosniff$/im);
});

test('balancers are asked not to collect the feed, and other pages cannot embed it', async () => {
  const port = await start({
    subscribe(response: ServerResponse, head) {
      response.writeHead(200, head).end();
      return true;
    },
  });
  const { head } = await answerTo(port, '/events');
  expect(head).toMatch(/^x-accel-buffering: no$/im);
  expect(head).toMatch(/^cross-origin-resource-policy: same-origin$/im);
});
