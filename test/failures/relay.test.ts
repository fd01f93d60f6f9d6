import { Agent, createServer, request, type IncomingMessage } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import { startRelay, type Toxic } from '../support/relay.ts';

const sentence = 'The quick brown fox jumps over the lazy dog. '.repeat(40);

/** A server that answers with the sentence or with the request body, and a relay in front of it. */
async function relayed() {
  const heard: string[] = [];
  const chunks: number[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => {
      chunks.push(chunk.length);
      body += chunk.toString();
    });
    incoming.on('error', () => undefined);
    incoming.on('end', () => {
      heard.push(body);
      const said = body === '' ? sentence : body;
      response.writeHead(200, { 'Content-Length': Buffer.byteLength(said) }).end(said);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onCleanup(() => agent.destroy());
  const relay = await startRelay(port, () => 0.5);
  const ask = (body = '', signal?: AbortSignal): Promise<Heard> =>
    new Promise((resolve) => {
      const got: Heard = { status: 0, text: '', pieces: [], error: undefined, ms: 0 };
      const startedAtMs = performance.now();
      const end = (error?: NodeJS.ErrnoException): void => {
        resolve({
          ...got,
          ms: performance.now() - startedAtMs,
          error: error === undefined ? undefined : (error.code ?? error.message),
        });
      };
      const sent = request(
        { port: relay.port, agent, method: 'POST', ...(signal === undefined ? {} : { signal }) },
        (answer: IncomingMessage) => {
          got.status = answer.statusCode ?? 0;
          answer.on('data', (chunk: Buffer) => {
            got.text += chunk.toString();
            got.pieces.push(chunk.length);
          });
          answer.on('error', end);
          answer.on('end', () => end());
        },
      );
      sent.on('error', end);
      sent.end(body);
    });
  return { relay, ask, heard, chunks };
}

interface Heard {
  status: number;
  text: string;
  readonly pieces: number[];
  /** Code of the error that ended the exchange. */
  error: string | undefined;
  ms: number;
}

async function askUnder(toxic: Toxic, body = '') {
  const world = await relayed();
  world.relay.poison(toxic);
  return { ...world, answer: await world.ask(body) };
}

test('without a toxic every byte comes through, over one connection', async () => {
  const { relay, ask, heard } = await relayed();
  for (const body of ['', 'a', sentence]) {
    expect(await ask(body)).toMatchObject({ status: 200, text: body === '' ? sentence : body });
  }
  expect(heard).toEqual(['', 'a', sentence]);
  expect(relay.hits.size).toBe(0);
});

test('latency: each direction is delayed by that time', async () => {
  const { answer } = await askUnder({ kind: 'latency', ms: 60, jitterMs: 20 });
  expect(answer).toMatchObject({ status: 200, text: sentence });
  expect(answer.ms).toBeGreaterThan(2 * 60 - 5);
});

test('bandwidth: the rate is at most that many bytes per second', async () => {
  const { answer } = await askUnder({ kind: 'bandwidth', bytesPerSecond: 20_000 }, sentence);
  expect(answer).toMatchObject({ status: 200, text: sentence });
  expect(answer.ms).toBeGreaterThan((2 * sentence.length * 1000) / 20_000 - 10);
  expect(answer.pieces.length).toBeGreaterThan(2);
});

test('slicer: every byte comes, in small pieces', async () => {
  const { answer, chunks } = await askUnder({ kind: 'slicer', maxBytes: 3 }, sentence);
  expect(answer).toMatchObject({ status: 200, text: sentence });
  expect(chunks.length).toBeGreaterThan(20);
});

test('resetAtAccept: new connections are reset, and only new ones', async () => {
  const { relay, ask, heard } = await relayed();
  await ask();
  relay.poison({ kind: 'resetAtAccept' });
  expect(await ask()).toMatchObject({ status: 200 });
  relay.resetAll();
  expect(await ask()).toMatchObject({ status: 0, error: 'ECONNRESET' });
  expect(heard).toHaveLength(2);
});

test('reset: the connection is reset after the head of the answer', async () => {
  const { answer, heard } = await askUnder({ kind: 'reset', at: 'head' });
  expect(answer).toMatchObject({ status: 200, text: '', error: 'ECONNRESET' });
  expect(heard).toHaveLength(1);
});

test('reset: the connection is reset in the middle of the body', async () => {
  const { answer } = await askUnder({ kind: 'reset', at: 100 });
  expect(answer).toMatchObject({
    status: 200,
    text: sentence.slice(0, 100),
    error: 'ECONNRESET',
  });
});

test('earlyFin: the connection ends instead of the answer, or within it', async () => {
  const instead = await askUnder({ kind: 'earlyFin', afterBytes: 0 });
  expect(instead.answer).toMatchObject({ status: 0, error: 'ECONNRESET' });
  expect(instead.heard).toHaveLength(1);
  const { answer } = await askUnder({ kind: 'earlyFin', afterBytes: 500 });
  expect(answer.status).toBe(200);
  expect(sentence.startsWith(answer.text)).toBe(true);
  expect(answer.text.length).toBeLessThan(500);
});

test.each([
  ['request', 0],
  ['answer', 1],
] as const)('blackHole of the %s: nothing comes, nothing closes', async (side, came) => {
  const { relay, ask, heard } = await relayed();
  relay.poison({ kind: 'blackHole', side });
  const leaver = new AbortController();
  setTimeout(() => leaver.abort(), 150);
  const answer = await ask('', leaver.signal);
  expect(answer).toMatchObject({ status: 0, error: 'ABORT_ERR' });
  expect(answer.ms).toBeGreaterThan(140);
  expect(heard).toHaveLength(came);
});

test('junk: other bytes come instead of the answer', async () => {
  const { answer, heard } = await askUnder({ kind: 'junk', bytes: 'SSH-2.0-OpenSSH_9.2\r\n' });
  expect(answer.status).toBe(0);
  expect(answer.error).toMatch(/^HPE_/);
  expect(heard).toHaveLength(1);
});

test('limit: the request is cut after that number of bytes, and the server never sees it', async () => {
  const { answer, heard } = await askUnder(
    { kind: 'limit', side: 'request', bytes: 300 },
    sentence,
  );
  expect(answer.status).not.toBe(200);
  expect(heard).toHaveLength(0);
});

test('limit: the answer is cut after that number of bytes', async () => {
  const { answer, heard } = await askUnder({ kind: 'limit', side: 'answer', bytes: 1000 });
  expect(answer.status).toBe(200);
  expect(answer.text.length).toBeLessThan(1000);
  expect(answer.error).toBe('ECONNRESET');
  expect(heard).toHaveLength(1);
});

test('a share of the exchanges is disturbed, the others are not, and healing ends that', async () => {
  const { relay, ask } = await relayed();
  relay.poison({ kind: 'reset', at: 'head' }, 0.4);
  expect(await ask()).toMatchObject({ status: 200, text: sentence });
  expect(relay.hits.get('reset')).toBeUndefined();
  relay.poison({ kind: 'reset', at: 'head' }, 0.6);
  expect(await ask()).toMatchObject({ error: 'ECONNRESET' });
  expect(relay.hits.get('reset')).toBe(1);
  relay.heal();
  expect(await ask()).toMatchObject({ status: 200, text: sentence });
});

test('a closed relay refuses connections, and accepts them again at the same port when it opens', async () => {
  const { relay, ask } = await relayed();
  await relay.close();
  expect(await ask()).toMatchObject({ error: 'ECONNREFUSED' });
  await relay.open();
  expect(await ask()).toMatchObject({ status: 200, text: sentence });
});

test('a reset by the server arrives as a reset', async () => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.resetAndDestroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => server.close());
  const relay = await startRelay((server.address() as { port: number }).port);
  const client = connect(relay.port, '127.0.0.1');
  onCleanup(() => client.destroy());
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => client.once('error', resolve));
  client.write('anything');
  expect((await failed).code).toBe('ECONNRESET');
});
