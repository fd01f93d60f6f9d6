/** Attacks by pools on other proxies (docs/advisories.md), tried on this proxy. */
import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient, type RawAnswer } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app } from '../support/ucwa-client.ts';

const off = { UCWA_PROXY_BATCHING_MODE: 'off' };
/** The two HTTP clients to the pool: http-proxy on Node's agent, and undici. */
const ways = [
  ['passed through', '/abs/handler'],
  ['alone', `${app}/me`],
] as const;

const whole = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
/** An unsolicited answer, recognizable by its body. */
const poison = whole('poison');
/** The user whom a request names. The pool answers with this name. */
const asker = (request: string): string => /Bearer cwt=sim-(\w+)/.exec(request)?.[1] ?? 'nobody';

async function ask(
  proxy: TestProxy,
  target: string,
  user: string,
  method = 'GET',
): Promise<RawAnswer> {
  const client = new RawClient(proxy.port);
  client.send(
    `${method} ${target} HTTP/1.1\r\nHost: pool.example\r\n` +
      `Authorization: Bearer cwt=sim-${user}\r\n\r\n`,
  );
  const answer = await client.readAnswer();
  client.leave();
  return answer;
}

describe.each(ways)('a call %s never gets unsolicited bytes of the pool:', (_way, target) => {
  test('not those that came on an idle connection', async () => {
    let connection: Socket | undefined;
    const pool = await startScriptedPool((request, socket) => {
      connection ??= socket;
      socket.write(whole(asker(request)));
    });
    const proxy = await startProxy(pool.url, off);
    expect((await ask(proxy, target, 'ann')).body.toString()).toBe('ann');
    connection?.write(poison);
    await pool.untilClosed(1);
    expect((await ask(proxy, target, 'ben')).body.toString()).toBe('ben');
  });

  test('not those that came after the previous answer', async () => {
    const pool = await startScriptedPool((request, socket) => {
      socket.write(whole(asker(request)) + poison);
    });
    const proxy = await startProxy(pool.url, off);
    for (const user of ['ann', 'ben', 'cat']) {
      expect((await ask(proxy, target, user)).body.toString()).toBe(user);
    }
  });
});

/**
 * Names and bytes of ambiguous answers. The poison begins where the answer ends in one of its
 * readings.
 */
const ambiguous: ReadonlyArray<readonly [string, string]> = [
  ['two lengths', `Content-Length: 0\r\nContent-Length: ${poison.length}\r\n\r\n`],
  ['a list of lengths', `Content-Length: 0, ${poison.length}\r\n\r\n`],
  ['a length with a plus', `Content-Length: +0\r\n\r\n`],
  ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a blank before a colon', 'Content-Length : 0\r\n\r\n'],
  ['a folded length', 'A: b\r\n Content-Length: 0\r\nContent-Length: 5\r\n\r\n'],
  ['a bare carriage return', 'A: b\rContent-Length: 0\r\n\r\n'],
  ['a bare line feed', 'A: b\nContent-Length: 0\r\n\r\n'],
  ['a line that breaks off', 'Content-Length: 0\r\n\rX: y\r\n\r\n'],
  ['a bare line feed after a chunk size', 'Transfer-Encoding: chunked\r\n\r\n0\n\r\n'],
  ['a bare line feed in an extension', 'Transfer-Encoding: chunked\r\n\r\n0;a\n\r\n\r\n'],
  ['a bare line feed after a chunk', 'Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n'],
];

describe.each(ways)('an ambiguous answer to a call %s', (_way, target) => {
  test.each(ambiguous)('with %s affects only its own caller', async (_what, rest) => {
    const pool = await startScriptedPool((request, socket) => {
      const isAnn = asker(request) === 'ann';
      socket.write(isAnn ? `HTTP/1.1 200 OK\r\n${rest}${poison}` : whole(asker(request)));
    });
    const proxy = await startProxy(pool.url, off);
    const client = new RawClient(proxy.port);
    client.send(
      `GET ${target} HTTP/1.1\r\nHost: pool.example\r\nConnection: close\r\n` +
        'Authorization: Bearer cwt=sim-ann\r\n\r\n',
    );
    expect(await client.readAll()).not.toContain('poison');
    await pool.untilClosed(1);
    expect((await ask(proxy, target, 'ben')).body.toString()).toBe('ben');
  });

  test.each([
    ['204', 'HTTP/1.1 204 No Content\r\nContent-Length: 44\r\n\r\n'],
    ['304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n'],
  ])('with status %s and a body delivers no body', async (_status, head) => {
    const pool = await startScriptedPool((request, socket) => {
      socket.write(asker(request) === 'ann' ? head + poison : whole(asker(request)));
    });
    const proxy = await startProxy(pool.url, off);
    expect((await ask(proxy, target, 'ann')).body.toString()).not.toContain('poison');
    expect((await ask(proxy, target, 'ben')).body.toString()).toBe('ben');
  });
});

test('the body of an answer to HEAD reaches no caller', async () => {
  const pool = await startScriptedPool((request, socket) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${poison.length}\r\n\r\n`;
    socket.write(request.startsWith('HEAD') ? head + poison : whole(asker(request)));
  });
  const proxy = await startProxy(pool.url, off);
  const client = new RawClient(proxy.port);
  client.send('HEAD /a HTTP/1.1\r\nHost: pool.example\r\nConnection: close\r\n\r\n');
  expect(await client.readAll()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*?\r\n\r\n$/);
  expect((await ask(proxy, '/b', 'ben')).body.toString()).toBe('ben');
});

test.each(ways)(
  'a call %s gets nothing that the pool sends before the TLS handshake',
  async (_, target) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.end(poison);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onCleanup(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as { port: number };
    const proxy = await startProxy(`https://localhost:${port}`, off);
    const { status, head, body } = await ask(proxy, target, 'ann');
    expect(status).toBe(503);
    expect(head).toContain('error=tls_protocol_error');
    expect(body.toString()).not.toContain('poison');
  },
);

test.each(ways)('a call %s gets a cookie with an encoded line end as it is', async (_, target) => {
  const cookie = 'Set-Cookie: a=%0D%0AX-Injected:%201%00; Path=/';
  const pool = await startScriptedPool((_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${cookie}\r\nContent-Length: 0\r\n\r\n`);
  });
  const proxy = await startProxy(pool.url, off);
  const { head } = await ask(proxy, target, 'ann');
  expect(head.split('\r\n')).toContain(cookie);
  expect(head).not.toMatch(/^X-Injected/im);
});
