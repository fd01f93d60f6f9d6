/**
 * Exchanges that last much longer than all timeouts of the proxy but `upstream.passThroughIdleMs`. The timeouts
 * here are short, so that the tests wait for seconds.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const timeoutMs = 400;
const longMs = 10 * timeoutMs;
const answer = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const short = Object.fromEntries(
  [
    'LISTEN_HEADERS_TIMEOUT_MS',
    'LISTEN_REQUEST_TIMEOUT_MS',
    'LISTEN_KEEP_ALIVE_TIMEOUT_MS',
    'UPSTREAM_TIMEOUT_MS',
    'UPSTREAM_IDLE_TIMEOUT_MS',
    'UPSTREAM_CONNECT_TIMEOUT_MS',
  ].map((name) => [`UCWA_PROXY_${name}`, String(timeoutMs)]),
);

/** A pool that answers `/late` after a long time, and other requests at once. */
async function start(): Promise<TestProxy> {
  const pool = await startScriptedPool((request, socket) => {
    const isLate = request.includes('late');
    void delay(isLate ? longMs : 0).then(() => socket.write(answer('ok')));
  });
  return startProxy(pool.url, short);
}

const get = (target: string): string =>
  `GET ${target} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=sim-a\r\n\r\n`;
const post = (target: string, body: string): string =>
  get(target)
    .replace('GET', 'POST')
    .replace(/\r\n$/, `Content-Length: ${body.length}\r\n\r\n${body}`);
const application = '/ucwa/oauth/v1/applications/1';

const silent = [
  ['a silent answer outside UCWA', get('/late')],
  ['a silent answer to a write outside UCWA', post('/late', 'x')],
  ['a silent answer to a large upload', post('/late', 'x'.repeat(200_000))],
  ['a poll of an idle client', get(`${application}/events?ack=late`)],
  ['a poll with two slashes', get(`/${application}/events?ack=late`)],
] as const;

interface Received {
  readonly status: number;
  readonly body: string;
  readonly tookMs: number;
}

async function ask(client: RawClient, bytes: string): Promise<Received> {
  const startedAtMs = performance.now();
  client.send(bytes);
  const { status, body } = await client.readAnswer();
  return { status, body: body.toString(), tookMs: performance.now() - startedAtMs };
}

async function askInTurn(proxy: TestProxy, targets: readonly string[]): Promise<number[]> {
  const client = new RawClient(proxy.port);
  const statuses: number[] = [];
  for (const target of targets) statuses.push((await ask(client, get(target))).status);
  return statuses;
}

async function askAfterPauses(proxy: TestProxy): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < 2; i += 1) {
    statuses.push(...(await askInTurn(proxy, ['/a'])));
    await delay(2 * timeoutMs);
  }
  return statuses;
}

/** A pool that is silent for a long time before each byte of the body. */
function startSlowPool(pieces: readonly string[]) {
  return startScriptedPool((_, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${pieces.length}\r\n\r\n`);
    void (async () => {
      for (const piece of pieces) {
        await delay(longMs / 2);
        socket.write(piece);
      }
    })();
  });
}

const onOneConnection = [`${application}/me`, '/a', '/late', '/a', '/late'];
let ofSilent: readonly Received[];
let ofOneConnection: readonly number[];
let ofSlowPool: Received;
let ofIdle: readonly number[];

// All exchanges take seconds, so they run at once, at proxies of their own.
beforeAll(async () => {
  const proxies = await Promise.all(silent.map(start));
  const [usual, idle] = [await start(), await start()];
  const slow = await startProxy((await startSlowPool(['a', 'b', 'c'])).url, short);
  [ofSilent, ofOneConnection, ofSlowPool, ofIdle] = await Promise.all([
    Promise.all(silent.map(([, bytes], i) => ask(new RawClient(proxies[i]!.port), bytes))),
    askInTurn(usual, onOneConnection),
    ask(new RawClient(slow.port), get('/slow')),
    askAfterPauses(idle),
  ]);
}, 30_000);

test.each(silent.map(([what], index) => [what, index] as const))(
  '%s arrives after ten times all other timeouts',
  (_, index) => {
    const { status, body, tookMs } = ofSilent[index]!;
    expect([status, body]).toEqual([200, 'ok']);
    expect(tookMs).toBeGreaterThan(longMs - 10);
  },
);

test('a long answer arrives on a connection that already carried other requests', () => {
  expect(ofOneConnection).toEqual(onOneConnection.map(() => 200));
});

test('an answer with long silences between its bytes arrives whole', () => {
  expect(ofSlowPool.body).toBe('abc');
});

test('a request after a long idle time of the connection to the pool is answered', () => {
  expect(ofIdle).toEqual([200, 200]);
});
