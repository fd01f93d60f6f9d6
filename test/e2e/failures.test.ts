import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, notes, UcwaClient, type Answer } from '../support/ucwa-client.ts';
import type { FaultRule } from '../../src/simulator/fault-script.ts';

const batchesOfThree = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '3',
};

/** What three callers of one batch get when that happens to it. */
async function threeCalls(fault: FaultRule['fault'], env: Record<string, string> = {}) {
  const pool = await startPool();
  pool.faults.add({ on: { kind: 'batch' }, fault });
  const proxy = await startProxy(pool.url, { ...batchesOfThree, ...env });
  const answers = await new UcwaClient(proxy.url).askAll(notes(3));
  return { pool, proxy, answers };
}

function executed(answer: Answer): string {
  return `${answer.status} ${String((JSON.parse(answer.text) as { executed?: string }).executed)}`;
}

describe('callers of a batch that the pool refuses', () => {
  test('get the 429 of the pool itself, and nothing ran', async () => {
    const pool = await startPool({ limit: 2 });
    const proxy = await startProxy(pool.url, batchesOfThree);
    const answers = await new UcwaClient(proxy.url).askAll(notes(3));
    for (const answer of answers) {
      expect(answer.status).toBe(429);
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'TooManyRequests' });
    }
    expect(pool.ledger.entries()).toHaveLength(0);
  });

  test('get 401 with both challenges', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, batchesOfThree);
    const answers = await new UcwaClient(proxy.url).askAll(notes(3), { token: 'cwt=expired' });
    for (const { status, rawHeaders } of answers) {
      expect(status).toBe(401);
      const challenges = rawHeaders.filter((name) => /^www-authenticate$/i.test(name));
      expect(challenges).toHaveLength(2);
      expect(rawHeaders.join()).toContain('MsRtcOAuth href=');
    }
  });

  test.each([403, 410, 500, 503])('get %d as it came', async (status) => {
    const { answers } = await threeCalls({
      kind: 'status',
      status,
      body: '{"code":"Mine"}',
      contentType: 'application/json',
      headers: ['X-Ms-diagnostics', '1;reason="x"', 'Retry-After', '7'],
    });
    for (const answer of answers) {
      expect(answer.status).toBe(status);
      expect(answer.text).toBe('{"code":"Mine"}');
      expect(answer.headers['x-ms-diagnostics']).toBe('1;reason="x"');
      expect(answer.headers['retry-after']).toBe('7');
    }
  });

  test.each([405, 413, 415, 501])(
    'are told that nothing ran when it takes no such batch: %d',
    async (status) => {
      const { answers } = await threeCalls({ kind: 'status', status });
      expect(answers.map(executed)).toEqual(['503 no', '503 no', '503 no']);
      expect(answers[0]?.headers['retry-after']).toBe('1');
    },
  );

  test.each([400, 409, 302])('are told that nobody knows: %d', async (status) => {
    const { answers } = await threeCalls({ kind: 'status', status });
    expect(answers.map(executed)).toEqual(['504 unknown', '504 unknown', '504 unknown']);
  });
});

describe('callers of a batch whose answer is broken', () => {
  const unknown = ['504 unknown', '504 unknown', '504 unknown'];

  test.each<[string, FaultRule['fault'], string]>([
    ['an HTML page', { kind: 'html' }, 'not_multipart'],
    ['no boundary', { kind: 'noBoundary' }, 'not_multipart'],
    ['one part fewer', { kind: 'fewerParts', count: 1 }, 'fewer_parts'],
    ['one part more', { kind: 'moreParts', count: 1 }, 'more_parts'],
  ])('are told that nobody knows, and it is counted: %s', async (_what, fault, kind) => {
    const { answers, proxy } = await threeCalls(fault);
    expect(answers.map(executed)).toEqual(unknown);
    const metrics = await proxy.metrics();
    expect(metrics.get(`ucwa_proxy_protocol_errors_total{kind="${kind}"}`)).toBe(1);
  });

  test.each<[string, FaultRule['fault']]>([
    ['junk', { kind: 'junk' }],
    ['a reset before the head', { kind: 'reset', at: 'beforeHead' }],
    ['a reset after the head', { kind: 'reset', at: 'afterHead' }],
  ])('are told that nobody knows: %s', async (_what, fault) => {
    const { answers } = await threeCalls(fault);
    expect(answers.map(executed)).toEqual(unknown);
  });

  test('keep the parts that came whole before it broke off', async () => {
    for (const framing of ['contentLength', 'chunked', 'complete'] as const) {
      const { answers, proxy } = await threeCalls({ kind: 'truncate', afterBytes: 620, framing });
      expect(answers.map((answer) => answer.status)).toEqual([200, 504, 504]);
      const metrics = await proxy.metrics();
      expect(metrics.get('ucwa_proxy_protocol_errors_total{kind="truncated"}')).toBe(1);
    }
  });

  test('lose a malformed part alone', async () => {
    const { answers } = await threeCalls({ kind: 'malformedPart', index: 1 });
    expect(answers.map((answer) => answer.status)).toEqual([200, 504, 200]);
  });

  test('notice nothing of line ends, a missing close delimiter, compression, or how its bytes come', async () => {
    const faults: ReadonlyArray<FaultRule['fault']> = [
      { kind: 'bareLf' },
      { kind: 'gzip' },
      [{ kind: 'gzip' }, { kind: 'chunks', sizes: [1, 50] }],
      { kind: 'noCloseDelimiter', bare: true },
      { kind: 'chunks', sizes: [1, 2, 3] },
    ];
    for (const fault of faults) {
      const { answers } = await threeCalls(fault);
      expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    }
  });

  test('get 504 for an answer that is larger than is allowed, and the pool is let go', async () => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/batching; boundary="B"\r\n');
      socket.write(`Content-Length: 100000\r\n\r\n--B\r\n${'x'.repeat(9000)}`);
    });
    const proxy = await startProxy(pool.url, {
      ...batchesOfThree,
      UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '4096',
    });
    const answers = await new UcwaClient(proxy.url).askAll(notes(3));
    expect(answers.map(executed)).toEqual(unknown);
    const metrics = await proxy.metrics();
    expect(metrics.get('ucwa_proxy_protocol_errors_total{kind="too_large"}')).toBe(1);
    await pool.untilClosed(1);
  });
});

test('a few compressed bytes do not become many: the answer is cut at its bound', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
  const pool = await startScriptedPool((_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/batching; boundary="B"\r\n');
    socket.write(`Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`);
    socket.write(bomb);
  });
  const proxy = await startProxy(pool.url, batchesOfThree);
  const before = process.memoryUsage.rss();
  const answers = await new UcwaClient(proxy.url).askAll(notes(3));
  expect(answers.map(executed)).toEqual(['504 unknown', '504 unknown', '504 unknown']);
  expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_protocol_errors_total{kind="no_delimiter"}')).toBe(0);
  expect(metrics.get('ucwa_proxy_protocol_errors_total{kind="too_large"}')).toBe(1);
});

describe('a pool that does not answer', () => {
  test('gets its callers 504 at their deadline, and is let go', async () => {
    const pool = await startScriptedPool(() => undefined);
    const proxy = await startProxy(pool.url, {
      ...batchesOfThree,
      UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '150',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '100',
    });
    const answers = await new UcwaClient(proxy.url).askAll(notes(3));
    expect(answers.map(executed)).toEqual(['504 unknown', '504 unknown', '504 unknown']);
    await pool.untilClosed(1);
    expect(pool.requests).toHaveLength(1);
  });

  test('that refuses connections gets 503, executed: no, for batches and for lone calls', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, batchesOfThree);
    await pool.stop();
    const client = new UcwaClient(proxy.url);
    const answers = await client.askAll(notes(4));
    expect(answers.map(executed)).toEqual(['503 no', '503 no', '503 no', '503 no']);
    expect(answers[0]?.headers['proxy-status']).toBe('ucwa-batch-proxy; error=connection_refused');
    expect(executed(await client.ask('/elsewhere'))).toBe('503 no');
  });

  test('that breaks off a lone answer breaks off its caller, so that it never looks whole', async () => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
    });
    const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
    await expect(new UcwaClient(proxy.url).ask(`${app}/me`)).rejects.toThrow();
  });

  test('that announces its answer (100, 103) is waited for', async () => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n');
      socket.write('HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok');
    });
    const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
    const answer = await new UcwaClient(proxy.url).ask(`${app}/me`);
    expect([answer.status, answer.text]).toEqual([200, 'ok']);
  });

  test('whose callers accept only XML are told in XML', async () => {
    const pool = await startPool();
    pool.faults.add({ on: { kind: 'single' }, fault: { kind: 'reset', at: 'beforeHead' } });
    const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
    const answer = await new UcwaClient(proxy.url).ask(`${app}/me`, {
      headers: { Accept: 'application/xml' },
    });
    expect(answer.headers['content-type']).toBe('application/problem+xml');
    expect(answer.text).toContain('<executed>unknown</executed>');
  });
});
