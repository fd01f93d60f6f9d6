/** Meeting content of 200 MB passes through at flat memory, in both directions, also with a slow client. */
import http from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import { Program } from '../support/program.ts';
import { startProxyProcess, type ProxyProcess } from '../support/proxy-process.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const MiB = 1024 * 1024;
const contentBytes = 200 * 1000 * 1000;
const maxGrowthBytes = 64 * MiB;
const piece = Buffer.alloc(MiB, 'm');
/** A slow client rests after each piece. */
const restMs = 10;
const lookEveryMs = 50;
/** Shorter than the upload of a slow client. */
const requestTimeoutMs = 1000;

/** A pool that sends the content, or counts the bytes of an upload. */
async function startPool(): Promise<{ readonly url: string; readonly received: () => number }> {
  let received = 0;
  const server = http.createServer((request, response) => {
    if (request.method === 'GET') void sendContent(response);
    request.on('data', (bytes: Buffer) => (received += bytes.length));
    request.on('end', () => {
      if (request.method === 'POST') response.end('ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, received: () => received };
}

async function sendContent(response: http.ServerResponse): Promise<void> {
  response.writeHead(200, { 'Content-Length': contentBytes });
  await write(response, 0);
  response.end();
}

/** Writes the content at the speed of its reader, or more slowly. */
async function write(
  stream: { write: (bytes: Buffer) => boolean } & NodeJS.EventEmitter,
  restingMs: number,
): Promise<void> {
  for (let left = contentBytes; left > 0; left -= piece.length) {
    if (!stream.write(piece.subarray(0, left))) await once(stream, 'drain');
    if (restingMs > 0) await delay(restingMs);
  }
}

function open(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1' });
  onCleanup(() => void socket.destroy());
  return socket;
}

/** Downloads the content, and returns the number of received bytes with the head. */
async function download(port: number, restingMs: number): Promise<number> {
  const socket = open(port);
  socket.write('GET /content HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n');
  let bytes = 0;
  let unrested = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    unrested += chunk.length;
    if (restingMs === 0 || unrested < piece.length) continue;
    unrested = 0;
    await delay(restingMs);
  }
  return bytes;
}

/** Uploads the content, and returns the answer. */
async function upload(port: number, restingMs: number): Promise<string> {
  const socket = open(port);
  socket.write(
    `POST /content HTTP/1.1\r\nHost: p\r\nConnection: close\r\nContent-Length: ${contentBytes}\r\n\r\n`,
  );
  await write(socket, restingMs);
  let answer = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) answer += chunk.toString('latin1');
  return answer;
}

/** Returns the growth of the proxy's memory while `act` runs. */
async function growthDuring(proxy: ProxyProcess, act: () => Promise<unknown>): Promise<number> {
  await proxy.liveHeapBytes();
  const before = await proxy.residentBytes();
  const isOver = new AbortController();
  const acting = act().finally(() => isOver.abort());
  let peak = before;
  while (!isOver.signal.aborted) {
    peak = Math.max(peak, await proxy.residentBytes());
    await Promise.race([acting, delay(lookEveryMs)]);
  }
  await acting;
  return peak - before;
}

test.each([
  ['quick', 0],
  ['slow', restMs],
])('200 MB go up and down with a %s client', async (_, restingMs) => {
  const pool = await startPool();
  const proxy = await startProxyProcess(program, pool.url, {
    env: {
      UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: String(requestTimeoutMs),
      UCWA_PROXY_LISTEN_REQUEST_TIMEOUT_MS: String(requestTimeoutMs),
    },
  });
  // The first requests load code.
  await Promise.all([upload(proxy.port, 0), download(proxy.port, 0)]);
  const uploadedBefore = pool.received();

  let answer = '';
  const up = await growthDuring(proxy, async () => (answer = await upload(proxy.port, restingMs)));
  expect(answer).toMatch(/^HTTP\/1.1 200 /);
  expect(pool.received() - uploadedBefore).toBe(contentBytes);
  let bytes = 0;
  const down = await growthDuring(proxy, async () => {
    bytes = await download(proxy.port, restingMs);
  });
  expect(bytes).toBeGreaterThan(contentBytes);
  expect(bytes).toBeLessThan(contentBytes + 1000);
  expect(up).toBeLessThan(maxGrowthBytes);
  expect(down).toBeLessThan(maxGrowthBytes);
});
