/** Unsolicited bytes of the pool, on a connection that others use afterwards. */
import { describe, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { me, webTicket } from '../support/signing-client.ts';

const answer = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const inChunks = (body: string): string =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

/**
 * Bytes that the pool writes after Alice's answer, and when. Bob asks as soon as Alice has her
 * answer.
 */
const surpluses: ReadonlyArray<readonly [string, (socket: Socket) => void]> = [
  [
    'a second answer 20 ms later',
    (socket) => void setTimeout(() => socket.write(answer('foreign')), 20),
  ],
  [
    'a second answer 60 ms later',
    (socket) => void setTimeout(() => socket.write(answer('foreign')), 60),
  ],
  [
    'half an answer 20 ms later',
    (socket) => void setTimeout(() => socket.write('HTTP/1.1 200 O'), 20),
  ],
  ['line ends 20 ms later', (socket) => void setTimeout(() => socket.write('\r\n\r\n'), 20)],
];

const immediate: ReadonlyArray<readonly [string, string]> = [
  ['a whole answer', answer('foreign')],
  ['the beginning of an answer', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['one byte', 'H'],
  ['something else', 'garbage'],
];

const ways: ReadonlyArray<readonly [string, string]> = [
  ['passed through', webTicket],
  ['alone', me],
];

async function start(serve: (user: string, socket: Socket) => void) {
  const connections = new Set<Socket>();
  const pool = await startScriptedPool((request, socket) => {
    connections.add(socket);
    serve(/Bearer cwt=(\w+)/i.exec(request)?.[1] ?? '', socket);
  });
  const proxy = await startProxy(pool.url);
  const ask = async (user: string, target: string): Promise<string> => {
    const client = new RawClient(proxy.port);
    client.send(`GET ${target} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=${user}\r\n\r\n`);
    const { status, body } = await client.readAnswer();
    return status === 200 ? body.toString() : `${status}`;
  };
  const unsolicited = 'ucwa_proxy_protocol_errors_total{kind="unsolicited"}';
  return { pool, proxy, connections, ask, unsolicited };
}

describe.each(ways)('a call %s', (_, target) => {
  test.each(surpluses)('does not get bytes that came later: %s', async (_name, write) => {
    const { pool, proxy, connections, ask, unsolicited } = await start((user, socket) => {
      socket.write(answer(user));
      if (user === 'alice') write(socket);
    });
    expect(await ask('alice', target)).toBe('alice');
    for (const user of ['bob', 'carol']) expect(await ask(user, target)).toBe(user);
    await pool.untilClosed(1);
    expect(await ask('dave', target)).toBe('dave');
    expect(connections.size).toBeGreaterThan(1);
    await proxy.untilMetric(unsolicited, (count) => count === 1);
  });

  test.each(immediate)('nor bytes that came with another answer: %s', async (_name, surplus) => {
    const frame = { cwt: answer, chunked: inChunks };
    for (const framed of Object.values(frame)) {
      const { pool, proxy, ask, unsolicited } = await start((user, socket) => {
        socket.write(framed(user) + (user === 'alice' ? surplus : ''));
      });
      expect(await ask('alice', target)).toBe('alice');
      expect(await ask('bob', target)).toBe('bob');
      await pool.untilClosed(1);
      await proxy.untilMetric(unsolicited, (count) => count === 1);
    }
  });
});

test('a connection without unsolicited bytes is used again', async () => {
  const { proxy, connections, ask } = await start((user, socket) => socket.write(inChunks(user)));
  for (const [, target] of ways) {
    connections.clear();
    // One user's calls may reuse the connection at once. Other users use it after a rest.
    for (let n = 0; n < 3; n += 1) expect(await ask('alice', target)).toBe('alice');
    await new Promise((resolve) => setTimeout(resolve, 120));
    const before = connections.size;
    expect(await ask('bob', target)).toBe('bob');
    expect(connections.size).toBe(before);
  }
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_protocol_errors_total{kind="unsolicited"}')).toBe(0);
});
