/** The pool ends or resets a connection while its answer is paused. */
import { describe, expect, test } from '@jest/globals';
import type { ExchangeHandler } from '../../src/upstream/exchange.ts';
import { createUpstream } from '../../src/upstream/undici-upstream.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const body = 'x'.repeat(2000);
const whole = {
  'ends with its connection': `HTTP/1.1 200 OK\r\n\r\n${body}`,
  'closes its connection': `HTTP/1.1 200 OK\r\nConnection: X-A\r\nConnection: x-b, Close\r\nContent-Length: 2000\r\n\r\n${body}`,
  'is chunked': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n${body}\r\n0\r\n\r\n`,
  'has a length': `HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n${body}`,
};
const cut = {
  ...whole,
  'is chunked': whole['is chunked'].slice(0, -100),
  'has a length': whole['has a length'].slice(0, -100),
  'closes its connection': whole['closes its connection'].slice(0, -100),
  'is one of HTTP/1.0': `HTTP/1.0 200 OK\r\nContent-Length: 2000\r\n\r\n${body.slice(100)}`,
};

/**
 * Sends a request, pauses at the first bytes of the answer, and resumes when the pool has ended the
 * connection.
 */
async function outcome(answer: string, end: 'end' | 'resetAndDestroy') {
  let over: () => void = () => undefined;
  const isOver = new Promise<void>((resolve) => (over = resolve));
  const pool = await startScriptedPool((_request, socket) => {
    socket.write(answer);
    untilPaused.then(() => {
      socket.once(end === 'end' ? 'finish' : 'close', over);
      socket[end]();
    }, over);
  });
  let paused: (held: boolean) => void = () => undefined;
  const untilPaused = new Promise<boolean>((resolve) => (paused = resolve));
  const upstream = createUpstream({
    url: new URL(pool.url),
    maxConnections: 1,
    connectTimeoutMs: 1000,
    idleTimeoutMs: 1000,
    timeoutMs: 3000,
    tls: () => ({}),
    observer: { unsolicited: () => undefined, internalError: () => undefined },
  });
  const heard: string[] = [];
  let held = false;
  await new Promise<void>((resolve) => {
    let isFirst = true;
    const note = (what: string): void => {
      heard.push(what);
      resolve();
    };
    const handler: ExchangeHandler = {
      head: () => undefined,
      data() {
        if (!isFirst) return;
        isFirst = false;
        held = exchange.pause();
        paused(held);
        // Two turns of the event loop: the first poll for I/O after `isOver` delivers the end to the proxy.
        void isOver.then(() => setImmediate(() => setImmediate(() => exchange.resume())));
      },
      end: () => note('end'),
      fault: ({ name }) => note(name),
    };
    const request = {
      method: 'GET',
      target: '/',
      headers: [],
      body: Buffer.alloc(0),
      user: { name: '' },
      isSafe: true,
      isRetry: false,
      takeRepetition: () => false,
    };
    const exchange = upstream.send(request, handler);
  });
  // Stopping adds no further event.
  await upstream.stop();
  return { held, heard };
}

describe('a paused answer that ends', () => {
  test.each([
    ['ends with its connection', { held: false, heard: ['end'] }],
    ['closes its connection', { held: false, heard: ['end'] }],
    ['is chunked', { held: true, heard: ['end'] }],
    // Undici treats the unexpected end of a connection as a failure.
    ['has a length', { held: true, heard: ['http_response_incomplete'] }],
  ] as const)('produces one event if it %s', async (kind, expected) => {
    expect(await outcome(whole[kind], 'end')).toEqual(expected);
  });
});

describe('a paused answer that is reset', () => {
  test.each(Object.entries(cut))('fails once if it %s', async (_kind, answer) => {
    const { heard } = await outcome(answer, 'resetAndDestroy');
    expect(heard).toEqual(['http_response_incomplete']);
  });
});
