import { describe, expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

const fixed = { UCWA_PROXY_BATCHING_MODE: 'fixed', UCWA_PROXY_BATCHING_LINGER_MAX_MS: '50' };

describe('GETs with the same key that arrive within the window', () => {
  test('share one batch, and each caller gets the answer to its own call', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, {
      ...fixed,
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
      UCWA_PROXY_BATCHING_MAX_PARTS: '8',
    });
    const paths = ['me', 'me/note', 'me/presence', 'me/phones', 'policies', 'people/contacts'];
    const targets = [...paths, 'people/groups', 'communication'].map((path) => `${app}/${path}`);
    const answers = await new UcwaClient(proxy.url).askAll(targets);

    expect(answers.map((answer) => answer.status)).toEqual(targets.map(() => 200));
    answers.forEach((answer, i) => {
      const { _links } = JSON.parse(answer.text) as { _links: { self: { href: string } } };
      expect(_links.self.href).toBe(targets[i]);
    });
    expect(pool.stats()).toMatchObject({ requests: 1, batches: 1, parts: 8, refusedParts: 0 });
  });

  test('are answered as direct calls are: same status, fields and bytes, without a byte order mark', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, {
      ...fixed,
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
      UCWA_PROXY_BATCHING_MAX_PARTS: '2',
    });
    const ofTheHop = ['connection', 'keep-alive', 'date'];
    const essence = ({ status, headers, body }: Awaited<ReturnType<UcwaClient['ask']>>) => ({
      status,
      body: body.toString('latin1'),
      headers: Object.fromEntries(
        Object.entries(headers).filter(([name]) => !ofTheHop.includes(name)),
      ),
    });
    for (const accept of ['application/json', 'application/vnd.microsoft.com.ucwa+xml']) {
      const asked = { headers: { Accept: accept } };
      const targets = [`${app}/me`, `${app}/nowhere`];
      const direct = await new UcwaClient(pool.url).askAll(targets, asked);
      const proxied = await new UcwaClient(proxy.url).askAll(targets, asked);
      expect(proxied.map(essence)).toEqual(direct.map(essence));
    }
    expect(pool.stats().batches).toBe(2);
  });

  test('carry the credential on the envelope only, and the same key in all fields', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, { ...fixed, UCWA_PROXY_BATCHING_MAX_PARTS: '2' });
    await new UcwaClient(proxy.url).askAll(notes(2), {
      token: 'cwt=sim-ann-1',
      headers: { Cookie: 'a=b', 'X-Ms-Origin': 'http://a', 'If-None-Match': '"0"' },
    });
    const [request] = pool.ledger.requests();
    expect(request?.target).toBe(`${app}/batch`);
    const headers = request?.rawHeaders.join('\n') ?? '';
    expect(headers).toContain('Authorization\nBearer cwt=sim-ann-1');
    expect(headers).toContain('Cookie\na=b');
    expect(headers).toContain('X-Ms-Origin\nhttp://a');
    expect(headers).toContain('Accept-Encoding\ngzip');
    for (const { head } of request?.parts ?? []) {
      expect(head).not.toMatch(/^(?:authorization|cookie):/im);
      expect(head).toMatch(/^If-None-Match: "0"$/m);
      expect(head).toMatch(new RegExp(`^Host: ${new URL(pool.url).host}$`, 'm'));
    }
  });
});

test('calls with different credentials, cookies, origins or applications never share a batch', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, fixed);
  const client = new UcwaClient(proxy.url);
  const other = app.replace('1045', '1046');
  await Promise.all([
    client.askAll(notes(2), { token: 'cwt=sim-ann' }),
    client.askAll(notes(2), { token: 'cwt=sim-ann-2' }),
    client.askAll(notes(2), { headers: { Cookie: 'x=y' } }),
    client.askAll(notes(2), { headers: { Origin: 'http://a' } }),
    client.askAll(notes(2), { headers: { 'X-Ms-Origin': 'http://a' } }),
    client.askAll(notes(2), { headers: { 'X-MS-RequiresMinResourceVersion': '2' } }),
    client.askAll([`${other}/me`, `${other}/me/note`]),
  ]);
  expect(pool.stats()).toMatchObject({ requests: 7, batches: 7, parts: 14 });
  for (const request of pool.ledger.requests()) expect(request.parts).toHaveLength(2);
});

test('a call without companions is sent unbatched', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, fixed);
  const answer = await new UcwaClient(proxy.url).ask(`${app}/me`, {
    headers: { 'Accept-Encoding': 'gzip', 'X-Custom': 'kept' },
  });
  expect(answer.status).toBe(200);
  expect(pool.stats()).toMatchObject({ requests: 1, batches: 0, singles: 1 });
  const [request] = pool.ledger.requests();
  expect(request).toMatchObject({ method: 'GET', target: `${app}/me` });
  expect(request?.rawHeaders).toEqual(expect.arrayContaining(['X-Custom', 'kept', 'gzip']));
});

test('a large answer to an unbatched call streams through, byte for byte, to a slow reader', async () => {
  const bytes = Buffer.alloc(3_000_000, 'abcdefg');
  const pool = await startPool();
  pool.faults.add({
    on: { kind: 'single' },
    fault: { kind: 'status', status: 200, body: bytes, contentType: 'application/json' },
  });
  const proxy = await startProxy(pool.url, fixed);
  const answer = await new UcwaClient(proxy.url).ask(`${app}/me`);
  expect(answer.body.equals(bytes)).toBe(true);
});

test('with batching off, every call is sent at once and unbatched', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const answers = await new UcwaClient(proxy.url).askAll(notes(5));
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
  expect(pool.stats()).toMatchObject({ batches: 0, singles: 5 });
});

test('a user has no more batches on the wire than the limit, until they take too long', async () => {
  const pool = await startPool();
  pool.faults.add({ on: { user: 'ann' }, times: 3, fault: { kind: 'hang' } });
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MAX_IN_FLIGHT_PER_USER: '1' });
  const client = new UcwaClient(proxy.url);
  const applications = ['1045', '1046', '1047'].map((id) => app.replace('1045', id));
  const calls = applications.map((application) => client.ask(`${application}/me`));
  for (const call of calls) call.catch(() => undefined);
  const other = await client.ask(`${app.replace('1045', '1048')}/me`, { token: 'cwt=sim-bob' });
  expect(other.status).toBe(200);
  // No caller has an answer, and yet all calls are sent.
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 0);
  while (pool.stats().requests < 4) await new Promise(setImmediate);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_outstanding_calls')).toBe(3);
  const soon = 'ucwa_proxy_queue_seconds_bucket{le="0.01",reason="slots"}';
  expect(metrics.get(soon)).toBe(2);
});

test("calls beyond the user's own cap get 429, calls beyond the proxy's cap get 503, and none of them is sent", async () => {
  const pool = await startPool();
  pool.faults.add({ on: {}, times: Infinity, fault: { kind: 'hang' } });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS: '3',
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS_PER_USER: '2',
  });
  const client = new UcwaClient(proxy.url);
  const parked = [
    ...notes(2).map((t) => client.ask(t)),
    new UcwaClient(proxy.url, '127.0.0.2').ask(`${app}/me`, { token: 'cwt=sim-bob' }),
  ];
  for (const call of parked) call.catch(() => undefined);
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value === 3);
  const other = new UcwaClient(proxy.url, '127.0.0.3');
  const own = await other.ask(`${app}/me`, { token: 'cwt=sim-ann' });
  // The process is full as well, and this check comes first.
  expect(own.status).toBe(503);
  expect(own.headers['retry-after']).toBe('1');
  expect(JSON.parse(own.text)).toMatchObject({ executed: 'no' });
  expect(pool.stats().requests).toBe(3);
});
