/** Each call can be followed: by its id, by its log line, and by what `explain` adds to its answer. */
import { describe, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

const together = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '3',
};
const alone = { UCWA_PROXY_BATCHING_MODE: 'off' };
const explain = { 'X-Ucwa-Batch': 'explain' };
const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

type Line = Readonly<Record<string, unknown>>;

async function start(env: Readonly<Record<string, string>>) {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, env);
  const lines = (): Line[] =>
    proxy.log.map((line) => JSON.parse(line) as Line).filter(({ msg }) => msg === 'call');
  return { pool, proxy, lines, client: new UcwaClient(proxy.url) };
}

describe('the id of a call', () => {
  test('is that of its client, in the log line and in the answer, on every way', async () => {
    const { client, lines } = await start(alone);
    const single = { 'X-Request-Id': 'single-1' };
    const passed = { 'client-request-id': '{passed-1}' };
    const refused = { traceparent, 'X-HTTP-Method': 'GET', Host: 'a/b' };
    const answers = [
      await client.ask(`${app}/me/note`, { headers: single }),
      await client.ask('/', { headers: passed }),
      await client.ask('/', { headers: refused }),
    ];
    const ids = ['single-1', '{passed-1}', traceId];
    expect(answers.map(({ headers }) => headers['x-request-id'])).toEqual(ids);
    expect(lines().map(({ id, via }) => [id, via])).toEqual([
      ['single-1', 'single'],
      ['{passed-1}', 'passthrough'],
      [traceId, 'refused'],
    ]);
  });

  test("is each caller's own in a batch, and the pool gets the fields of each part", async () => {
    const { client, lines, pool } = await start(together);
    const answers = await Promise.all(
      notes(3).map((target, i) =>
        client.ask(target, {
          headers: {
            'X-Request-Id': `part-${i}`,
            traceparent: traceparent.replace('333', `${i}33`),
            tracestate: `vendor=${i}`,
          },
        }),
      ),
    );
    expect(answers.map(({ headers }) => headers['x-request-id'])).toEqual([
      ...['part-0', 'part-1', 'part-2'],
    ]);
    expect(pool.stats()).toMatchObject({ batches: 1, singles: 0 });
    const [envelope] = pool.ledger.requests();
    expect(envelope?.rawHeaders.join().toLowerCase()).not.toContain('trace');
    const heads = envelope?.parts.map(({ head }) => head) ?? [];
    for (const i of [0, 1, 2]) {
      const head = heads.find((text) => text.includes(`part-${i}`));
      expect(head).toContain(`traceparent: ${traceparent.replace('333', `${i}33`)}`);
      expect(head).toContain(`tracestate: vendor=${i}`);
    }
    const ids = lines().map(({ id, batch, parts }) => [id, batch, parts]);
    expect(ids.sort()).toEqual([0, 1, 2].map((i) => [`part-${i}`, 1, 3]));
  });

  test('is one of the proxy if the client sends none, or an unsafe one', async () => {
    const { client, lines } = await start(alone);
    // CVE-2024-45808 of Envoy: a client forged lines of the access log.
    const forged = { 'X-Request-Id': 'x" level=error msg="forged' };
    const answers = [
      await client.ask(`${app}/me`),
      await client.ask(`${app}/me`, { headers: forged }),
      await client.ask(`${app}/me`, { headers: { ...forged, ...explain } }),
    ];
    const [first, second, third] = lines().map(({ id }) => String(id));
    expect(new Set([first, second, third]).size).toBe(3);
    for (const id of [first, second, third]) expect(id).toMatch(/^[0-9a-f]{12}-\d+$/);
    // The proxy adds its own id only to an answer that it explains.
    expect(answers.map(({ headers }) => headers['x-request-id'])).toEqual([
      ...[undefined, undefined, third],
    ]);
    expect(answers[2]?.headers['x-ucwa-batch']).toContain(`; call="${third}"`);
  });

  test('does not keep identical GETs from sharing a part', async () => {
    const { client, pool, proxy } = await start(together);
    const ask = (id: string) =>
      client.ask(`${app}/me`, { headers: { ...explain, 'X-Request-Id': id, traceparent } });
    const first = ask('a');
    await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 1);
    const answers = await Promise.all([
      first,
      ask('b'),
      ...notes(2).map((note) => client.ask(note)),
    ]);
    expect(answers.slice(0, 2).map(({ headers }) => headers['x-request-id'])).toEqual(['a', 'b']);
    const [leader, follower] = answers.map(({ headers }) => headers);
    expect(follower?.['cache-status']).toBe('ucwa-batch-proxy; fwd=miss; collapsed');
    expect(follower?.['x-ucwa-batch']).toContain('; collapsed; ');
    expect(leader?.['cache-status']).toBeUndefined();
    expect(pool.stats()).toMatchObject({ batches: 1 });
  });
});

test('level debug shows each request to the pool, with the number that the lines of its calls have', async () => {
  const { client, pool, proxy, lines } = await start({
    ...together,
    UCWA_PROXY_LOG_LEVEL: 'debug',
  });
  pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'status', status: 429 } });
  await client.askAll(notes(3));
  const all = proxy.log.map((line) => JSON.parse(line) as Line);
  const requests = all.filter(({ msg }) => msg === 'request');
  const [refused] = requests;
  expect(refused).toMatchObject({
    ...{ level: 'debug', batch: 1, parts: 3, class: 'safe', flush: 'parts' },
    ...{ outcome: 'failed', cause: 'refused', user: lines()[0]?.['user'] },
    server: new URL(pool.url).host,
  });
  expect(requests.length).toBeGreaterThan(1);
  expect(new Set(requests.slice(1).map(({ batch }) => batch))).toEqual(
    new Set(lines().map(({ batch }) => batch)),
  );
  expect(all.map(({ msg }) => msg)).toEqual(
    expect.arrayContaining(['calls wait again', 'learned limit']),
  );
  expect(lines().map(({ refusals }) => refusals)).toEqual([1, 1, 1]);
});

test('the lines of level debug begin and end when the level changes', async () => {
  const { client, proxy } = await start(together);
  const linesOf = async (level: 'info' | 'debug'): Promise<string[]> => {
    const before = proxy.log.length;
    const { current } = proxy.settings;
    proxy.settings.reload({ ...current, log: { ...current.log, level } }, new Map());
    await client.askAll(notes(3));
    const all = proxy.log.slice(before).map((line) => (JSON.parse(line) as Line)['msg']);
    return all.filter((msg) => msg !== 'call').map(String);
  };
  expect(await linesOf('info')).toEqual([]);
  expect(await linesOf('debug')).toContain('request');
  expect(await linesOf('info')).toEqual([]);
  expect(await linesOf('debug')).toContain('request');
});

describe('a log line and explain', () => {
  test('of a pool with one server name this server on every way', async () => {
    const { client, lines, pool } = await start(together);
    await client.askAll(notes(3));
    await client.ask(`${app}/me`, { method: 'POST', body: '{"operationId":"1"}' });
    await client.ask('/');
    await client.ask('/', { headers: { Host: 'a/b' } });
    const { host } = new URL(pool.url);
    expect(lines().map(({ via, server }) => [via, server])).toEqual([
      ...Array.from({ length: 3 }, () => ['batch', host]),
      ['single', host],
      ['passthrough', host],
      ['refused', undefined],
    ]);
  });

  test('say why a call passed through, or was refused', async () => {
    const { client, lines } = await start(together);
    const ask = async (target: string, headers: Readonly<Record<string, string>> = {}) => {
      const answer = await client.ask(target, { headers: { ...explain, ...headers } });
      return String(answer.headers['x-ucwa-batch']).replace(/call=".+"/, 'call');
    };
    expect(await ask('/')).toBe('passed; reason=outside; call');
    expect(await ask(`${app}/photos/x`)).toBe('passed; reason=photos; call');
    expect(await ask(`${app}/me`, { Range: 'bytes=0-1' })).toBe('passed; reason=headers; call');
    expect(await ask('/', { Host: 'a/b' })).toBe('refused; reason=host; call');
    expect(lines().map(({ passed, reason }) => passed ?? reason)).toEqual([
      ...['outside', 'photos', 'headers', 'host'],
    ]);
  });

  test('obey two values, and say that an unknown one was ignored', async () => {
    const { client } = await start({ ...together, UCWA_PROXY_BATCHING_MAX_PARTS: '1' });
    const ask = async (wish: string | string[]) => {
      const answer = await client.ask(`${app}/me`, { headers: { 'X-Ucwa-Batch': wish } });
      return String(answer.headers['x-ucwa-batch']).replace(/call=".+"/, 'call');
    };
    expect(await ask('never, explain')).toBe('passed; reason=opt_out; call');
    expect(await ask(['explain', 'never'])).toBe('passed; reason=opt_out; call');
    expect(await ask('nevr')).toMatch(/^single; .*attempts=1; ignored; call$/);
    expect(await ask('never')).toBe('undefined');
  });

  test('name the failure by the words of Proxy-Status', async () => {
    const proxy = await startProxy(`http://127.0.0.1:${await freePort()}`, alone);
    const client = new UcwaClient(proxy.url);
    const single = await client.ask(`${app}/me`, { headers: explain });
    const passed = await client.ask('/', { headers: explain });
    expect([single.status, passed.status]).toEqual([503, 503]);
    expect(single.headers['proxy-status']).toBe('ucwa-batch-proxy; error=connection_refused');
    expect(single.headers['x-ucwa-batch']).toMatch(/^single; .*; reason=connection_refused; call=/);
    expect(passed.headers['x-ucwa-batch']).toMatch(/^failed; reason=connection_refused; call=/);
    const lines = proxy.log.map((line) => JSON.parse(line) as Line);
    const calls = lines.filter(({ msg }) => msg === 'call');
    expect(calls.map(({ reason }) => reason)).toEqual(Array(2).fill('connection_refused'));
  });

  test('name the cap of the proxy that refused a call', async () => {
    const { client, proxy, lines } = await start({
      ...together,
      UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS_PER_USER: '1',
    });
    const first = client.ask(`${app}/me`);
    await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 1);
    const refused = await client.ask(`${app}/me/note`);
    await first;
    expect(refused.status).toBe(429);
    const { reason } = lines().find(({ via }) => via === 'refused') ?? {};
    expect(reason).toBe('newcomers');
    expect(refused.headers['proxy-status']).toBe(
      'ucwa-batch-proxy; error=connection_limit_reached; details="newcomers"',
    );
    // The answer names the id by which the log line is found.
    expect(lines().map(({ id }) => id)).toContain(refused.headers['x-request-id']);
  });

  test('say which request brought the answer of a call in a late batch', async () => {
    const pool = await startScriptedPool((request, socket) => {
      if (!request.startsWith('POST'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const proxy = await startProxy(pool.url, {
      ...together,
      UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '400',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '200',
    });
    const client = new UcwaClient(proxy.url);
    const answers = await Promise.all(
      notes(3).map((target) => client.ask(target, { headers: explain })),
    );
    for (const { headers } of answers) {
      expect(headers['x-ucwa-batch']).toMatch(
        /^single; id=\d+; parts=1; .*attempts=2; retry=late;/,
      );
      expect(headers['server-timing']).toMatch(/, late;dur=\d+\.\d, upstream;dur=/);
      expect(headers['proxy-status']).toBe('ucwa-batch-proxy; details="sent 2 times: late"');
    }
    const metrics = await proxy.metrics();
    expect(metrics.get('ucwa_proxy_calls_total{via="single",code="200"}')).toBe(3);
    expect(metrics.get('ucwa_proxy_calls_total{via="batch",code="200"}')).toBe(0);
    expect(metrics.get('ucwa_proxy_call_duration_seconds_count{via="single"}')).toBe(3);
  });
});
