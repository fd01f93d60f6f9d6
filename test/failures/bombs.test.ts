/**
 * The proxy breaks off answers that never end or that grow without bound, and its memory stays
 * bounded.
 */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { beforeAll, expect, test } from '@jest/globals';
import { startProxy } from '../support/proxy.ts';
import { startScriptedPool, type Script } from '../support/scripted-pool.ts';
import { notes, UcwaClient } from '../support/ucwa-client.ts';

const MiB = 1024 * 1024;
const inPairs = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '2',
};
const batchHead =
  'HTTP/1.1 200 OK\r\nContent-Type: multipart/batching; boundary=B\r\nConnection: close\r\n';
const part = '--B\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n';

/** Writes the piece again and again until the socket is closed. */
function endlessly(socket: Socket, piece: Buffer): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', write);
  write();
}

/** Returns the largest growth of the process's memory in the meantime, in bytes. */
async function growthDuring(doing: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const sampler = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 2);
  await doing();
  clearInterval(sampler);
  return Math.max(most, process.memoryUsage.rss()) - before;
}

/** Compresses the text and 200 MiB of zeros after it into about 200 KB. */
async function bombBehind(text: string): Promise<Buffer> {
  const gzip = createGzip({ level: 9 });
  const block = Buffer.alloc(MiB);
  Readable.from([Buffer.from(text), ...Array.from({ length: 200 }, () => block)]).pipe(gzip);
  const pieces: Buffer[] = [];
  for await (const piece of gzip) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

let bomb: Buffer;
let bombInAPart: Buffer;
beforeAll(async () => {
  bomb = await bombBehind('');
  bombInAPart = await bombBehind(part.slice(0, -4));
});

function sendCompressed(socket: Socket, bytes: Buffer): void {
  socket.write(`${batchHead}Content-Encoding: gzip\r\nContent-Length: ${bytes.length}\r\n\r\n`);
  socket.write(bytes);
}

interface Bomb {
  readonly script: Script;
  /** The kinds of protocol errors that the metrics count. */
  readonly counted: readonly string[];
}

const bombs: Readonly<Record<string, Bomb>> = {
  '200 MiB in 200 KB, compressed unasked': {
    script: (_request, socket) => sendCompressed(socket, bomb),
    counted: ['too_large'],
  },
  'a part of 200 MiB in 200 KB, compressed unasked': {
    script: (_request, socket) => sendCompressed(socket, bombInAPart),
    counted: ['too_large'],
  },
  'a body without an end': {
    script: (_request, socket) => {
      socket.write(`${batchHead}\r\n${part.slice(0, -4)}`);
      endlessly(socket, Buffer.alloc(65_536, 'x'));
    },
    counted: ['too_large'],
  },
  'a preamble without an end': {
    script: (_request, socket) => {
      socket.write(`${batchHead}\r\n`);
      endlessly(socket, Buffer.alloc(65_536, '\r\nx'));
    },
    counted: ['too_large'],
  },
  'the head of a part without an end': {
    script: (_request, socket) => {
      socket.write(`${batchHead}\r\n--B\r\n`);
      endlessly(socket, Buffer.from('A: b\r\n'.repeat(10_000)));
    },
    counted: ['too_large'],
  },
  'an epilogue without an end': {
    script: (_request, socket) => {
      socket.write(`${batchHead}\r\n${part}${part}--B--\r\n`);
      endlessly(socket, Buffer.alloc(65_536, 'x'));
    },
    counted: ['too_large'],
  },
  'a million parts': {
    script: (_request, socket) => {
      socket.write(`${batchHead}\r\n`);
      socket.end('--B\r\n\r\n'.repeat(1_000_000) + '--B--\r\n');
    },
    counted: ['more_parts', 'malformed_part'],
  },
  'a head without an end': {
    script: (_request, socket) => {
      socket.write(batchHead);
      endlessly(socket, Buffer.from('A: b\r\n'.repeat(10_000)));
    },
    counted: [],
  },
};

/** The limit is not lower, because the pool and the clients run in this process too. */
const mayGrowBytes = 48 * MiB;

test.each(Object.entries(bombs))(
  'the proxy breaks off a batch answer that is %s, keeps its memory bounded, and retries the GETs as single requests',
  async (_name, { script, counted }) => {
    let armed = false;
    const pool = await startScriptedPool((request, socket) => {
      if (!request.startsWith('POST'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
      else if (armed) script(request, socket);
      else socket.end(`${batchHead}\r\n${part}${part}--B--\r\n`);
    });
    const proxy = await startProxy(pool.url, inPairs);
    const client = new UcwaClient(proxy.url);
    const pair = async (): Promise<number[]> =>
      (await client.askAll(notes(2))).map((answer) => answer.status);
    // A first run loads code, which would count as growth.
    expect(await pair()).toEqual([200, 200]);
    armed = true;
    const grownBytes = await growthDuring(async () => {
      expect(await pair()).toEqual([200, 200]);
      await pool.untilClosed(2);
    });
    expect(grownBytes).toBeLessThan(mayGrowBytes);
    const kinds = [...(await proxy.metrics())].flatMap(([name, value]) => {
      const kind = /^ucwa_proxy_protocol_errors_total\{kind="(\w+)"\}/.exec(name)?.[1];
      return kind === undefined || value === 0 ? [] : [kind];
    });
    expect(kinds).toEqual(counted);
    armed = false;
    expect(await pair()).toEqual([200, 200]);
  },
);
