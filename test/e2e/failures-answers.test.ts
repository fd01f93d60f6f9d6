import { describe, expect, test } from '@jest/globals';
import { compressedBomb } from '../support/compressed-bomb.ts';
import { askEach, writeCalls } from '../support/nonce-calls.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { startRelay } from '../support/relay.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, notes, UcwaClient, type Answer } from '../support/ucwa-client.ts';
import type { FaultRule } from '../../src/simulator/faults/fault-script.ts';

const batchesOfThree = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '3',
};

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function start(fault?: FaultRule['fault'], env = {}) {
  const pool = await startPool();
  if (fault !== undefined) pool.faults.add({ on: {}, fault });
  const proxy = await startProxy(pool.url, { ...batchesOfThree, ...env });
  return { pool, proxy, client: new UcwaClient(proxy.url) };
}

describe("the proxy's own answers", () => {
  const xml = { headers: { Accept: 'application/xml' } };
  const aboutXml = ({ status, headers, text }: Answer) => [
    ...[status, headers['content-type'], headers['proxy-status'], headers['retry-after']],
    /<executed>(\w+)<\/executed>/.exec(text)?.[1],
  ];

  test('are XML for callers that accept only XML, and JSON for others in the same batch', async () => {
    const { client } = await start({ kind: 'reset', at: 'beforeHead' });
    const [post, put, remove] = writeCalls(3);
    const [inXml, inJson, alsoXml] = await Promise.all([
      askEach(client, post ? [post] : [], xml),
      askEach(client, put ? [put] : []),
      askEach(client, remove ? [remove] : [], xml),
    ]);
    const unknown = [
      504,
      'application/problem+xml',
      'ucwa-batch-proxy; error=connection_terminated',
    ];
    for (const [one] of [inXml, alsoXml]) {
      expect(one && aboutXml(one.answer)).toEqual([...unknown, undefined, 'unknown']);
    }
    expect(inJson[0]?.answer.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(inJson[0]?.answer.text ?? '')).toMatchObject({ executed: 'unknown' });
  });

  test('are XML for callers that accept only XML, when no call ran', async () => {
    const { pool, client } = await start();
    await pool.stop();
    const notRun = [503, 'application/problem+xml', 'ucwa-batch-proxy; error=connection_refused'];
    for (const answer of await client.askAll(notes(3), xml)) {
      expect(aboutXml(answer)).toEqual([...notRun, '1', 'no']);
    }
  });

  test('are XML for the caller of an unbatched call that accepts only XML', async () => {
    const { client } = await start(
      { kind: 'reset', at: 'beforeHead' },
      { UCWA_PROXY_BATCHING_MODE: 'off' },
    );
    const answer = await client.ask(`${app}/me/note`, { ...xml, method: 'POST' });
    expect(aboutXml(answer)).toEqual([
      ...[504, 'application/problem+xml', 'ucwa-batch-proxy; error=connection_terminated'],
      ...[undefined, 'unknown'],
    ]);
  });

  test('report a pool that refuses connections, to passed-through calls too', async () => {
    const { pool, client } = await start();
    await pool.stop();
    const answer = await client.ask('/elsewhere');
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([503, { executed: 'no' }]);
  });
});

test("callers of a batch with an expired token get the pool's 401 with both challenges", async () => {
  const { client } = await start();
  const answers = await client.askAll(notes(3), { token: 'cwt=expired' });
  for (const { status, rawHeaders } of answers) {
    expect(status).toBe(401);
    const challenges = rawHeaders.filter((name) => /^www-authenticate$/i.test(name));
    expect(challenges).toHaveLength(2);
    expect(rawHeaders.join()).toContain('MsRtcOAuth href=');
  }
});

test.each<[string, FaultRule['fault']]>([
  ['compression', { kind: 'gzip' }],
  ['compression in small pieces', [{ kind: 'gzip' }, { kind: 'chunks', sizes: [1, 50] }]],
  ['a missing close delimiter', { kind: 'noCloseDelimiter', bare: true }],
  ['bytes that trickle', { kind: 'chunks', sizes: [1, 2, 3] }],
])('callers of a batch do not notice %s', async (_what, fault) => {
  const { pool, client } = await start(fault);
  const answers = await client.askAll(notes(3));
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(pool.ledger.requests()).toHaveLength(1);
});

test('GETs with bare line feeds in the heads of their parts are retried, each unbatched', async () => {
  const { pool, client } = await start({ kind: 'bareLf' });
  const answers = await client.askAll(notes(3));
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(pool.ledger.requests()).toHaveLength(4);
});

test.each([
  ['is unbatched', 1],
  ['is batched', 3],
])(
  'a GET that %s and may have run gets 504 if its retry cannot reach the pool',
  async (_how, count) => {
    const pool = await startPool();
    const relay = await startRelay(pool.port);
    const proxy = await startProxy(relay.url, {
      ...batchesOfThree,
      UCWA_PROXY_BATCHING_MAX_PARTS: String(count),
    });
    const client = new UcwaClient(proxy.url);
    await client.askAll(notes(count));
    relay.poison({ kind: 'earlyFin', afterBytes: 0 });
    await relay.close();
    const answers = await client.askAll(notes(2 * count).slice(count));
    expect(pool.ledger.entries()).toHaveLength(2 * count);
    for (const { status, text } of answers) {
      expect([status, JSON.parse(text)]).toMatchObject([504, { executed: 'unknown' }]);
    }
    const [next] = await client.askAll(notes(count));
    expect([next?.status, JSON.parse(next?.text ?? '')]).toMatchObject([503, { executed: 'no' }]);
  },
);

describe('an answer beyond the size limit', () => {
  test('is broken off, and its request to the pool is aborted', async () => {
    const pool = await startScriptedPool((request, socket) => {
      if (!request.startsWith('POST')) {
        socket.write(ok);
        return;
      }
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/batching; boundary="B"\r\n');
      socket.write(`Content-Length: 100000\r\n\r\n--B\r\n${'x'.repeat(9000)}`);
    });
    const proxy = await startProxy(pool.url, {
      ...batchesOfThree,
      UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '4096',
    });
    const answers = await new UcwaClient(proxy.url).askAll(notes(3));
    expect(answers.map(({ text }) => text)).toEqual(['ok', 'ok', 'ok']);
    await pool.untilClosed(1);
  });

  test('is cut at the limit even if its compressed size is small', async () => {
    const bomb = compressedBomb(200 * 1024 * 1024);
    const { proxy, client } = await start({ kind: 'status', status: 200, ...bomb });
    const before = process.memoryUsage.rss();
    const answers = await client.askAll(notes(3));
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const metrics = await proxy.metrics();
    expect(metrics.get('ucwa_proxy_protocol_errors_total{kind="too_large"}')).toBe(1);
    expect(metrics.get('ucwa_proxy_protocol_errors_total{kind="no_delimiter"}')).toBe(0);
  });
});

describe('an answer to an unbatched call', () => {
  const alone = { UCWA_PROXY_BATCHING_MODE: 'off' };

  test('that breaks off closes the connection of its caller, so that it never looks complete', async () => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
    });
    const proxy = await startProxy(pool.url, alone);
    await expect(new UcwaClient(proxy.url).ask(`${app}/me`)).rejects.toThrow();
    expect(pool.requests).toHaveLength(1);
  });

  test('that breaks off right after its head does not count as an answer: a GET is retried, a POST is not', async () => {
    const { pool, client } = await start({ kind: 'reset', at: 'afterHead' }, alone);
    expect((await client.ask(`${app}/me`)).status).toBe(200);
    expect(pool.ledger.entries()).toHaveLength(2);
    pool.faults.add({ on: {}, fault: { kind: 'reset', at: 'afterHead' } });
    const { status, text } = await client.ask(`${app}/people/presenceSubscriptions`, {
      method: 'POST',
    });
    expect([status, JSON.parse(text)]).toMatchObject([504, { executed: 'unknown' }]);
    expect(pool.ledger.entries()).toHaveLength(3);
  });

  test('that follows an interim 103 reaches the caller', async () => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n');
      socket.write(ok);
    });
    const proxy = await startProxy(pool.url, alone);
    const answer = await new UcwaClient(proxy.url).ask(`${app}/me`);
    expect([answer.status, answer.text]).toEqual([200, 'ok']);
  });
});
