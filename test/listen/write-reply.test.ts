import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { Reply } from '../../src/core/messages/reply.ts';
import { fieldLines } from '../../src/core/messages/http-message.ts';
import { Connections } from '../../src/listen/connections.ts';
import { keepAliveLines, trySingleWrite, writeReply } from '../../src/listen/write-reply.ts';
import { onCleanup } from '../support/cleanup.ts';
import { onePool } from '../support/one-pool.ts';
import { RawClient } from '../support/raw-client.ts';

const keepAliveTimeoutMs = 75_500;
const keepAlive = keepAliveLines(keepAliveTimeoutMs);
const date = ['Date', 'Sun, 29 Nov 2026 07:00:00 GMT'];

function reply(status: number, reason: string, fields: readonly string[], text = ''): Reply {
  const headers = [...date, ...fields];
  const head = Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${fieldLines(headers)}`, 'latin1');
  return { status, reason, headers, head, body: Buffer.from(text, 'latin1') };
}

/** Starts a server that answers each path with one of the functions, and a client. */
async function startServer(ways: Record<string, (response: ServerResponse) => void>) {
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs }, (request, response) =>
    ways[request.url ?? '']?.(response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return new RawClient((server.address() as AddressInfo).port);
}

const byNode = (answer: Reply) => (response: ServerResponse) =>
  writeReply(
    { response, answerId: undefined, follow: () => undefined, answered: () => undefined },
    { ...answer, head: undefined },
    keepAlive,
  );

const ask = (path: string, method = 'GET', fields = ''): string =>
  `${method} ${path} HTTP/1.1\r\nHost: proxy.example\r\n${fields}\r\n`;

test.each<[string, Reply]>([
  ['with a body', reply(200, 'OK', ['Content-Type', 'application/json', 'ETag', '"1"'], '{}')],
  ['with an empty body', reply(200, 'OK', [])],
  ['with the longest copied body', reply(200, 'OK', [], 'x'.repeat(16_384))],
  ['without a body', reply(204, 'No Content', ['Cache-Control', 'no-cache'])],
  ['with status 304', reply(304, 'Not Modified', ['ETag', '"1"'])],
  ['with an unusual reason phrase', reply(404, 'Nothing here, \xe9', [], 'no')],
  ['with bytes above ASCII', reply(200, 'OK', ['X-Name', 'caf\xe9'], '\xe9\x00\xff')],
  ['with fewer characters than bytes', reply(200, 'OK', [], '\xc3\xa9')],
  ['with one field twice', reply(200, 'OK', ['Set-Cookie', 'a=1', 'set-cookie', 'b=2'], 'x')],
  ['with an empty field', reply(200, 'OK', ['X-Empty', '', 'X-Tab', 'a\tb'], 'x')],
])('an answer %s has the same bytes in a single write as from Node', async (_, answer) => {
  const wrote: boolean[] = [];
  const client = await startServer({
    '/whole'(response) {
      wrote.push(trySingleWrite(response, answer, keepAlive));
      expect(response.statusCode).toBe(answer.status);
    },
    '/node': byNode(answer),
  });
  const answers = [];
  for (const path of ['/node', '/whole', '/whole', '/node']) {
    client.send(ask(path));
    answers.push(await client.readAnswer());
  }
  expect(wrote).toEqual([true, true]);
  expect(answers).toEqual(Array(4).fill(answers[0]));
  expect(answers[0]!.head).toMatch(/\r\nConnection: keep-alive\r\nKeep-Alive: timeout=75$/);
});

test.each<[string, Reply]>([
  ['without an encoded head', { ...reply(200, 'OK', [], 'x'), head: undefined }],
  ['with status 204 and a body', reply(204, 'No Content', [], 'x')],
  ['with a long body', reply(200, 'OK', [], 'x'.repeat(16_385))],
])('an answer %s is written by Node, and the single write changes nothing', async (_, answer) => {
  const client = await startServer({
    '/whole'(response) {
      const wrote = trySingleWrite(response, answer, keepAlive);
      byNode(reply(200, 'OK', ['X-Untouched', String(!wrote && !response.headersSent)]))(response);
    },
  });
  client.send(ask('/whole'));
  expect((await client.readAnswer()).head).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*X-Untouched: true/);
});

test('Node writes answers with Connection: close, to HEAD, and to pipelined requests that wait', async () => {
  const wrote: boolean[] = [];
  const answer = reply(200, 'OK', [], 'x');
  const whole = (response: ServerResponse): void => {
    wrote.push(trySingleWrite(response, answer, keepAlive));
    byNode(answer)(response);
  };
  let first: ServerResponse | undefined;
  const client = await startServer({
    '/first': (response) => (first = response),
    '/second'(response) {
      whole(response);
      byNode(answer)(first!);
    },
    '/whole': whole,
  });
  client.send(ask('/first') + ask('/second'));
  await client.readAnswer();
  await client.readAnswer();
  client.send(ask('/whole', 'GET', 'Connection: close\r\n'));
  expect((await client.readAnswer()).head).toContain('Connection: close');
  const other = await startServer({
    '/head'(response) {
      whole(response);
      response.req.socket.end();
    },
  });
  other.send(ask('/head', 'HEAD'));
  expect(await other.readAll()).toMatch(/Content-Length: 1\r\n[^]*\r\n\r\n$/);
  expect(wrote).toEqual([false, false, false]);
});

test('an exchange ends immediately if the system takes the whole answer, otherwise when it has taken it', async () => {
  const answer = reply(200, 'OK', [], 'x'.repeat(16_000));
  const wrote: string[] = [];
  const heard = new EventEmitter();
  const client = await startServer({
    '/whole'(response) {
      response.once('finish', () => heard.emit('written', 'over'));
      const told: string[] = [];
      const exchange = {
        response,
        answerId: undefined,
        answered: () => told.push('answered'),
        follow: () => told.push('follow'),
      };
      writeReply(exchange, answer, keepAlive);
      wrote.push(...told);
      if (response.writableLength > 0) heard.emit('written', 'in part');
    },
  });
  client.pause();
  // Answers until the buffers between the two ends are full.
  for (let isOver = true; isOver;) {
    client.send(ask('/whole'));
    const [how] = (await once(heard, 'written')) as ['over' | 'in part'];
    isOver = how === 'over';
  }
  const over = once(heard, 'written');
  client.resume();
  const bodies = [];
  while (bodies.length < wrote.length) bodies.push((await client.readAnswer()).body);
  expect(await over).toEqual(['over']);
  expect(bodies.every((body) => body.equals(answer.body))).toBe(true);
  // Only the last answer was not taken immediately, and Node reports its end.
  expect(wrote.pop()).toBe('follow');
  expect(new Set(wrote)).toEqual(new Set(['answered']));
});

describe.each([
  ['an answer in a single write', reply(200, 'OK', [], 'x')],
  ['an answer by Node', { ...reply(200, 'OK', [], 'x'), head: undefined }],
  ['a long answer', reply(200, 'OK', [], 'x'.repeat(100_000))],
])('%s does not count as answered', (_, answer) => {
  const start = async (leave: (client: RawClient, response: ServerResponse) => unknown) => {
    const connections = new Connections(100, (credentials) => credentials, onePool());
    const over = new EventEmitter();
    const errors: unknown[] = [];
    const client: RawClient = await startServer({
      '/left'(response) {
        const exchange = connections.begin(response.req, response);
        exchange.onOver({ over: () => over.emit('over', exchange.isAnswered) });
        const { socket } = response.req;
        socket.on('error', (error) => errors.push(error));
        socket.on('close', () => over.emit('closed'));
        void Promise.resolve(leave(client, response)).then(() =>
          writeReply(exchange, answer, keepAlive),
        );
      },
    });
    const events = [once(over, 'over'), once(over, 'closed')];
    client.send(ask('/left'));
    const [told] = await Promise.all(events);
    return { told, errors };
  };

  test('if the client has reset the connection', async () => {
    const { told } = await start((client) => client.reset());
    expect(told).toEqual([false]);
  });

  test('if the client has half-closed the connection, and nothing is written after that', async () => {
    const { told, errors } = await start(async (client, response) => {
      const ended = once(response.req.socket, 'end');
      client.halfClose();
      await ended;
    });
    expect(told).toEqual([false]);
    expect(errors).toEqual([]);
  });
});
