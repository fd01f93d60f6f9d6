import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createHash, randomBytes, type Hash } from 'node:crypto';
import http, { type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Rig, until } from './rig.ts';

const bodyBytes = 64 * 1024 * 1024;
/** Limit for the bytes in all buffers between the two ends, those of the kernel included. */
const underwayMaxBytes = 32 * 1024 * 1024;

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

/** Produces 64 MiB of blocks that all differ. `produced`: the bytes that were read so far. */
class Source extends Readable {
  readonly hash = createHash('sha256');
  produced = 0;
  readonly #block = randomBytes(64 * 1024);

  override _read(): void {
    if (this.produced === bodyBytes) {
      this.push(null);
      return;
    }
    const block = Buffer.from(this.#block);
    block.writeUInt32BE(this.produced, 0);
    this.produced += block.length;
    this.hash.update(block);
    this.push(block);
  }

  /** Waits until the reader takes no more bytes. */
  async stalled(): Promise<void> {
    let last = -1;
    let quietTurns = 0;
    await until(() => {
      quietTurns = this.produced === last ? quietTurns + 1 : 0;
      last = this.produced;
      return last > 0 && quietTurns === 100;
    });
  }
}

function drain(message: IncomingMessage): Promise<Hash> {
  const hash = createHash('sha256');
  return new Promise((resolve, reject) => {
    message.on('data', (chunk: Buffer) => hash.update(chunk));
    message.on('end', () => resolve(hash));
    message.on('error', reject);
  });
}

test.each([{ 'Content-Length': bodyBytes }, {}, { Connection: 'close' }])(
  'a download of 64 MiB (%j) arrives complete, and waits at the pool while the client does not read',
  async (fields) => {
    const source = new Source();
    const port = await rig.httpPool((_, response) => {
      response.writeHead(200, fields);
      source.pipe(response);
    });
    const front = await rig.front(port);
    const answer = await new Promise<IncomingMessage>((resolve) =>
      http.get({ port: front.port, host: '127.0.0.1', agent: false }, resolve),
    );
    await source.stalled();
    expect(source.produced).toBeLessThan(underwayMaxBytes);
    expect((await drain(answer)).digest('hex')).toBe(source.hash.digest('hex'));
    expect(source.produced).toBe(bodyBytes);
    expect(await front.outcomes(1)).toEqual([{ kind: 'answered', status: 200 }]);
  },
);

test.each([{ 'Content-Length': bodyBytes }, {}])(
  'an upload of 64 MiB (%j) arrives complete, and waits at the client while the pool does not read',
  async (fields) => {
    const source = new Source();
    let read = (): void => undefined;
    let digest = '';
    const port = await rig.httpPool((request, response) => {
      read = () =>
        void drain(request).then((hash) => {
          digest = hash.digest('hex');
          response.end('read');
        });
    });
    const front = await rig.front(port);
    const answer = new Promise<IncomingMessage>((resolve) => {
      const request = http.request(
        { port: front.port, host: '127.0.0.1', method: 'POST', agent: false, headers: fields },
        resolve,
      );
      source.pipe(request);
    });
    await source.stalled();
    expect(source.produced).toBeLessThan(underwayMaxBytes);
    read();
    (await answer).resume();
    expect(digest).toBe(source.hash.digest('hex'));
    expect(await front.outcomes(1)).toEqual([{ kind: 'answered', status: 200 }]);
  },
);

test('an upload that waits for a connection waits at the client', async () => {
  const port = await rig.httpPool((request, response) => {
    if (request.method === 'POST') void drain(request).then(() => response.end());
  });
  const front = await rig.front(port, { maxConnections: 1 });
  const holder = http.get({ port: front.port, host: '127.0.0.1', agent: false });
  holder.on('error', () => undefined);
  await until(() => front.passThrough.openConnections() === 1);
  const source = new Source();
  const answer = new Promise<IncomingMessage>((resolve) => {
    source.pipe(
      http.request({ port: front.port, host: '127.0.0.1', method: 'POST', agent: false }, resolve),
    );
  });
  await source.stalled();
  expect(source.produced).toBeLessThan(underwayMaxBytes);
  holder.destroy();
  expect((await answer).statusCode).toBe(200);
  expect(source.produced).toBe(bodyBytes);
});
