import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { AdminServer } from '../../src/admin/admin-server.ts';
import { onCleanup } from '../support/cleanup.ts';
import { RawClient } from '../support/raw-client.ts';

/** Metrics text, about as long as the real text. */
const usual = 'x'.repeat(40_000);
/** Metrics text that is larger than the socket buffers of the system. */
const large = 'x'.repeat(8_000_000);
/** Half of the time after which the server closes an inactive connection, in ms. */
const soonMs = 1000;
const slots = 32;

interface Started {
  readonly port: number;
  readonly renders: () => number;
}

async function start(hosts: readonly string[] = [], page = usual, renderMs = 0): Promise<Started> {
  let renders = 0;
  const server = new AdminServer({
    hosts,
    version: '0.0.0-test',
    readiness: () => ({ serving: true }),
    servers: () => [{ server: 'https://s0.example' }],
    config: () => ({ hash: 'c0ffee' }),
    metrics: {
      contentType: 'text/plain; version=0.0.4',
      render() {
        renders += 1;
        const startedAtMs = performance.now();
        while (performance.now() - startedAtMs < renderMs);
        return Promise.resolve(page);
      },
    },
  });
  const port = await server.listen('127.0.0.1', 0);
  onCleanup(() => server.stop());
  return { port, renders: () => renders };
}

const get = (path: string, fields = 'Host: a\r\n', version = '1.1'): string =>
  `GET ${path} HTTP/${version}\r\n${fields}\r\n`;

test('/config is a page', async () => {
  const { port } = await start();
  expect(await statusOf(port, get('/config'))).toBe(200);
});

async function statusOf(port: number, request: string): Promise<number> {
  const client = new RawClient(port);
  client.send(request);
  const { status } = await client.readAnswer();
  client.leave();
  return status;
}

/** Sends one request on a new connection, as a kubelet does. */
async function expectProbeAnswered(port: number): Promise<void> {
  const startedAtMs = performance.now();
  expect(await statusOf(port, get('/livez', 'Host: a\r\nConnection: close\r\n'))).toBe(200);
  expect(performance.now() - startedAtMs).toBeLessThan(soonMs);
}

/** Ways in which a client holds a connection slot. */
const holders: Readonly<Record<string, (client: RawClient) => Promise<unknown>>> = {
  'are idle between two requests': (client) => {
    client.send(get('/version'));
    return client.readAnswer();
  },
  'send nothing': (client) => client.connected,
  'send a part of a head': (client) => {
    client.send('GET /livez HTTP/1.1\r\nHost: a\r\nX-A: ');
    return client.connected;
  },
  'send a part of a second head': async (client) => {
    client.send(get('/version'));
    await client.readAnswer();
    client.send('GET /livez HT');
  },
  'request metrics and read nothing': (client) => {
    client.pause();
    client.send(get('/metrics'));
    return client.connected;
  },
  'pipeline ten requests for metrics and read nothing': (client) => {
    client.pause();
    client.send(get('/metrics').repeat(10));
    return client.connected;
  },
};

describe.each(Object.entries(holders))('connections that %s', (_what, hold) => {
  test('do not block a probe', async () => {
    const { port } = await start();
    for (const count of [slots, 100]) {
      const clients = Array.from({ length: count }, () => new RawClient(port));
      // The server may evict connections in the meantime.
      await Promise.allSettled(
        clients.map((client) => Promise.race([client.closed, hold(client)])),
      );
      await expectProbeAnswered(port);
      for (const client of clients) client.leave();
    }
  });

  test('do not block probes while more of them arrive', async () => {
    const { port } = await start();
    for (let round = 0; round < 5; round += 1) {
      const clients = Array.from({ length: 50 }, () => new RawClient(port));
      const probe = expectProbeAnswered(port);
      clients.push(...Array.from({ length: 50 }, () => new RawClient(port)));
      const held = clients.map((client) => Promise.race([client.closed, hold(client)]));
      await probe;
      await Promise.allSettled(held);
      await expectProbeAnswered(port);
      for (const client of clients) client.leave();
    }
  });
});

test('unread answers do not block a probe', async () => {
  const { port } = await start([], large);
  for (let count = 0; count < slots; count += 1) {
    const client = new RawClient(port);
    client.pause();
    client.send(get('/metrics'));
    await client.connected;
  }
  await expectProbeAnswered(port);
});

test('a pipelined request closes its connection', async () => {
  const { port } = await start();
  const client = new RawClient(port);
  client.send(get('/metrics').repeat(2));
  expect(await client.readAll()).toBe('');
});

describe('without a free slot', () => {
  test('a new connection evicts the one that has been idle for longest', async () => {
    const { port } = await start();
    const clients: RawClient[] = [];
    for (let count = 0; count < slots; count += 1) {
      const client = new RawClient(port);
      client.send(get('/livez'));
      await client.readAnswer();
      clients.push(client);
    }
    // The first connection sends another request, so the second has been idle for longest.
    clients[0]!.send(get('/livez'));
    await clients[0]!.readAnswer();
    await expectProbeAnswered(port);
    await clients[1]!.closed;
    for (const client of clients.filter((_, index) => index !== 1)) {
      client.send(get('/livez'));
      expect((await client.readAnswer()).status).toBe(200);
    }
  });

  test('an idle connection is evicted before one with an unfinished answer', async () => {
    const { port } = await start([], large);
    const reader = new RawClient(port);
    reader.send(get('/metrics', 'Host: a\r\nConnection: close\r\n'));
    await reader.untilReceived(1);
    reader.pause();
    const idle = new RawClient(port);
    idle.send(get('/livez'));
    await idle.readAnswer();
    const others = Array.from({ length: slots - 1 }, () => new RawClient(port));
    await Promise.all(others.map(({ connected }) => connected));
    await idle.closed;
    reader.resume();
    expect((await reader.readAnswer()).body).toHaveLength(large.length);
  });
});

test('a connection with an unread answer is destroyed after a while', async () => {
  const { port } = await start([], large);
  const accepted = new Promise<Socket>((resolve) => {
    const told = (message: unknown): void => {
      unsubscribe('net.server.socket', told);
      resolve((message as { socket: Socket }).socket);
    };
    subscribe('net.server.socket', told);
  });
  const reader = new RawClient(port);
  reader.pause();
  reader.send(get('/metrics'));
  await once(await accepted, 'close');
  reader.resume();
  expect((await reader.readAll()).length).toBeLessThan(large.length);
});

test('requests for metrics that arrive before a rendering share its text', async () => {
  const { port, renders } = await start();
  const clients = Array.from({ length: 20 }, () => new RawClient(port));
  for (const client of clients) {
    client.send(get('/livez'));
    await client.readAnswer();
  }
  const answers = clients.map((client) => {
    client.send(get('/metrics'));
    return client.readAnswer();
  });
  for (const { body } of await Promise.all(answers)) expect(body.toString()).toBe(usual);
  expect(renders()).toBeLessThan(clients.length);
  const before = renders();
  expect(await statusOf(port, get('/metrics'))).toBe(200);
  expect(renders()).toBe(before + 1);
});

test('constant requests for metrics leave most of the time to other work', async () => {
  const { port, renders } = await start([], usual, 20);
  const startedAtMs = performance.now();
  for (let asked = 0; asked < 5; asked += 1) await statusOf(port, get('/metrics'));
  expect(renders()).toBe(5);
  expect(performance.now() - startedAtMs).toBeGreaterThan(5 * 20 + 4 * 38);
});

describe('a Host', () => {
  const hosts = ['Proxy.Example.com', '*.ops.example.net.'];

  test.each([
    '127.0.0.1',
    '192.0.2.7:9464',
    '[::1]',
    '[2001:db8::7]:9464',
    'localhost',
    'LOCALHOST:1',
    'a.localhost',
    'localhost.',
    'ucwa-batch-proxy',
    'ucwa_proxy_1:9464',
    'ucwa-admin.ucwa.svc',
    'ucwa-admin.ucwa.svc:9464',
    'ucwa-admin.ucwa.svc.cluster.local.',
    'proxy.example.com',
    'PROXY.EXAMPLE.COM.:9464',
    'a.ops.example.net',
    'a.b.ops.example.net',
  ])('that no web page can have is accepted: %s', async (host) => {
    const { port } = await start(hosts);
    expect(await statusOf(port, get('/metrics', `Host: ${host}\r\n`))).toBe(200);
  });

  test.each([
    'evil.example',
    'evil.example:9464',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'notlocalhost.com',
    'xsvc.example',
    'a.svc.evil.example',
    'evilcluster.local',
    'a.proxy.example.com',
    'ops.example.net',
    'evilops.example.net',
    '1.2.3',
    '0x7f.0.0.1',
  ])('that a web page can have is refused for each path: %s', async (host) => {
    const { port, renders } = await start(hosts);
    for (const path of ['/metrics', '/livez', '/readyz', '/servers', '/version', '/']) {
      expect(await statusOf(port, get(path, `Host: ${host}\r\n`))).toBe(421);
    }
    expect(renders()).toBe(0);
  });

  test.each([
    'Host: a\r\nHost: a\r\n',
    'Host: a\r\nhost: evil.example\r\n',
    'Host:\r\n',
    'Host: a b\r\n',
    'Host: a@b\r\n',
    'Host: a,b\r\n',
    'Host: a:b\r\n',
    'Host: a..b\r\n',
    'Host: .\r\n',
    'Host: [::1\r\n',
    'Host: [1.2.3.4]\r\n',
    'Host: ::1\r\n',
    'Host: http://a\r\n',
    `Host: ${'a'.repeat(255)}\r\n`,
    '',
  ])('that is invalid or missing is refused: %j', async (fields) => {
    const { port } = await start();
    expect(await statusOf(port, get('/livez', fields))).toBe(400);
  });

  test('can be omitted in HTTP/1.0', async () => {
    const { port } = await start();
    expect(await statusOf(port, get('/livez', '', '1.0'))).toBe(200);
  });
});
