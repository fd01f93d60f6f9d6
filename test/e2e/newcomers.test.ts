/** Users that the pool has never answered share one allowance for each client address. */
import { expect, test } from '@jest/globals';
import { me, webTicket } from '../support/signing-client.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A pool that answers only targets with `answered`. */
async function start(env: Readonly<Record<string, string>> = {}) {
  const pool = await startScriptedPool((request, socket) => {
    if (request.includes('answered')) socket.write(ok);
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS_PER_USER: '5',
    ...env,
  });
  const send = (address: string, target: string, ...fields: string[]): RawClient => {
    const client = new RawClient(proxy.port, address);
    client.send([`GET ${target} HTTP/1.1`, 'Host: p', ...fields, '', ''].join('\r\n'));
    return client;
  };
  const ask = async (...asked: Parameters<typeof send>): Promise<number> =>
    (await send(...asked).readAnswer()).status;
  return { pool, proxy, send, ask };
}

const token = 'Authorization: Bearer cwt=ann';
const junk = (n: number): string => `X-MS-WebTicket: junk-${n}`;

test('a new ticket beside a valid token brings no new allowance', async () => {
  const { pool, proxy, send, ask } = await start();
  for (let n = 0; n < 5; n += 1) send('127.0.0.2', me, token, junk(n));
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 5);
  expect(await ask('127.0.0.2', me, token, junk(6))).toBe(429);
  expect(await ask('127.0.0.2', webTicket, token, junk(7))).toBe(429);
  // Another address has its own allowance.
  expect(await ask('127.0.0.3', `${me}?answered`, token, junk(8))).toBe(200);
  // A user whom the pool knows has its own allowance at any address.
  expect(await ask('127.0.0.2', `${me}?answered`, token, junk(8))).toBe(200);
});

test('calls without a credential share that allowance too', async () => {
  const { pool, proxy, send, ask } = await start();
  for (let n = 0; n < 5; n += 1) send('127.0.0.2', webTicket);
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 5);
  expect(await ask('127.0.0.2', '/answered')).toBe(429);
  expect(await ask('127.0.0.3', '/answered')).toBe(200);
});

test('a call that ends frees its share of the allowance', async () => {
  const { ask } = await start();
  for (let n = 0; n < 20; n += 1) expect(await ask('127.0.0.2', '/answered', junk(n))).toBe(200);
});

test('behind a trusted proxy, the allowance belongs to the address that this proxy names', async () => {
  const { pool, proxy, send, ask } = await start({
    UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '127.0.0.2/32',
  });
  const from = (client: string): string => `X-Forwarded-For: 6.6.6.6, ${client}`;
  for (let n = 0; n < 5; n += 1) send('127.0.0.2', webTicket, from('10.0.0.1'));
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 5);
  expect(await ask('127.0.0.2', '/answered', from('10.0.0.1'))).toBe(429);
  expect(await ask('127.0.0.2', '/answered', from('10.0.0.2'))).toBe(200);
});

/**
 * Three calls of three new users of one address, at a pool that never answers. Two of the calls may
 * be in flight.
 */
async function crowded(env: Readonly<Record<string, string>> = {}) {
  const started = await start({
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '4',
    UCWA_PROXY_BATCHING_MAX_PARTS: '2',
    ...env,
  });
  const { pool, proxy, send } = started;
  const clients = [1, 2, 3].map((n) => send('127.0.0.2', me, junk(n)));
  await proxy.untilMetric(
    'ucwa_proxy_held_calls',
    (held) => held === 1 && pool.requests.length === 2,
  );
  return { ...started, clients };
}

test('batchable calls of new users have half of the connections for each address, and further calls wait', async () => {
  const { pool, proxy, send, ask, clients } = await crowded();
  // Another address has its own connections.
  expect(await ask('127.0.0.3', `${me}?answered`, junk(4))).toBe(200);
  // A user whom the pool has answered has its own connections.
  expect(await ask('127.0.0.2', `${me}?answered`, junk(4))).toBe(200);
  clients[0]!.leave();
  await proxy.untilMetric(
    'ucwa_proxy_held_calls',
    (held) => held === 0 && pool.requests.length === 5,
  );
  send('127.0.0.2', me, junk(5));
  send('127.0.0.2', me, junk(6)).leave();
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 1);
});

test('a caller that leaves while its call waits for its turn is counted and logged', async () => {
  const { proxy, clients } = await crowded();
  clients[2]!.leave();
  await proxy.untilMetric('ucwa_proxy_client_aborts_total{stage="held"}', (left) => left === 1);
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 0);
  await proxy.untilLogged(/"callerLeft":true/);
  void proxy.stop();
  await proxy.abort();
  expect((await clients[0]!.readAnswer()).status).toBe(504);
  const logged = proxy.log.filter((line) => line.includes('"msg":"call"'));
  expect(logged.filter((line) => line.includes('"callerLeft":true'))).toHaveLength(1);
  expect(logged).toHaveLength(3);
});

const write = (target: string, n: number, ...fields: string[]): string =>
  [`PUT ${target} HTTP/1.1`, 'Host: p', junk(n), 'Content-Length: 2', ...fields, '', '{}'].join(
    '\r\n',
  );
const never = 'X-Ucwa-Batch: never';

/** The requests that the pool got from the third user. */
const thirdOf = (requests: readonly string[]): string[] =>
  requests.filter((request) => request.includes('junk-3')).map((request) => request.split(' ')[1]!);

test('a passed-through write does not overtake calls of its user that wait for their turn', async () => {
  const { pool, proxy, ask, clients } = await crowded();
  const writer = new RawClient(proxy.port, '127.0.0.2');
  writer.send(write(`${me}/note`, 3, never));
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 2);
  // Other users need not wait, nor do reads of this user that pass through.
  new RawClient(proxy.port, '127.0.0.2').send(write(`${me}/note`, 4, never));
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 3);
  expect(await ask('127.0.0.3', `${me}/note?answered`, junk(3), never)).toBe(200);
  expect(thirdOf(pool.requests)).toEqual([`${me}/note?answered`]);
  clients[0]!.leave();
  await proxy.untilMetric('ucwa_proxy_held_calls', () => thirdOf(pool.requests).length === 2);
  expect(thirdOf(pool.requests)[1]).toBe(me);
  clients[1]!.leave();
  await proxy.untilMetric('ucwa_proxy_held_calls', () => thirdOf(pool.requests).length === 3);
});

test('a client that leaves with a passed-through write that waits is counted, and the write is not sent', async () => {
  const { pool, proxy, send, clients } = await crowded();
  const writer = new RawClient(proxy.port, '127.0.0.2');
  writer.send(write(`${me}/note`, 3, never));
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 2);
  writer.leave();
  const aborts = 'ucwa_proxy_client_aborts_total{stage="passthrough"}';
  await proxy.untilMetric(aborts, (left) => left === 1);
  send('127.0.0.2', `${me}?last`, junk(3));
  for (const client of clients.slice(0, 2)) client.leave();
  await proxy.untilMetric('ucwa_proxy_held_calls', () => thirdOf(pool.requests).length === 2);
  expect(thirdOf(pool.requests).sort()).toEqual([me, `${me}?last`]);
});

test('calls of a user that the pool has answered do not overtake its calls that wait for their turn', async () => {
  const { pool, proxy, ask, send, clients } = await crowded();
  expect(await ask('127.0.0.2', `${me}?answered`, junk(3), never)).toBe(200);
  send('127.0.0.3', `${me}?second`, junk(3));
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 2);
  clients[0]!.leave();
  await proxy.untilMetric('ucwa_proxy_held_calls', () => thirdOf(pool.requests).length === 2);
  expect(thirdOf(pool.requests)[1]).toBe(me);
  clients[1]!.leave();
  await proxy.untilMetric('ucwa_proxy_held_calls', () => thirdOf(pool.requests).length === 3);
  // The calls no longer wait, so the next one is sent at once.
  expect(await ask('127.0.0.2', `${me}?answered`, junk(3))).toBe(200);
});

/** The answers to some calls never end. These calls keep the slots of their address, and further calls wait. */
async function dripping(env: Readonly<Record<string, string>> = {}) {
  const pool = await startScriptedPool((request, socket) => {
    if (!request.includes('drip')) return;
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
    const timer = setInterval(() => socket.write('x'), 100);
    socket.once('close', () => clearInterval(timer));
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '4',
    UCWA_PROXY_BATCHING_MAX_PARTS: '2',
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '1000',
    ...env,
  });
  const get = (n: number, query = ''): string =>
    `GET ${me}${query} HTTP/1.1\r\nHost: p\r\n${junk(n)}\r\n\r\n`;
  const client = (...calls: readonly string[]): RawClient => {
    const opened = new RawClient(proxy.port, '127.0.0.2');
    opened.send(calls.join(''));
    return opened;
  };
  const first = client(get(1, '?drip'));
  return { pool, proxy, get, client, first };
}

test('a call of a new user that waits too long for a connection gets 503: it did not run', async () => {
  const { pool, proxy, get, client } = await dripping();
  client(get(2, '?drip'));
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 2);
  const answer = await client(get(3)).readAnswer();
  expect(answer.status).toBe(503);
  expect(JSON.parse(answer.body.toString())).toMatchObject({ executed: 'no' });
  expect(pool.requests).toHaveLength(2);
});

test('a call that waited too long behind an open answer of its connection is answered once, and never sent', async () => {
  const { pool, proxy, get, client } = await dripping();
  client(get(2, '?drip'), get(3));
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 1);
  // The answer of the second call is open, so that of the third call cannot be written.
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 0);
  // The check that gave the third call up runs once more before this one is answered.
  expect((await client(get(4)).readAnswer()).status).toBe(503);
  expect(pool.requests).toHaveLength(2);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_invariant_violations_total{invariant="keeps_running"}')).toBe(0);
});

test('at shutdown, calls that wait for a connection get 503: they did not run', async () => {
  const { pool, proxy, clients } = await crowded();
  void proxy.stop();
  await proxy.abort();
  const answers = await Promise.all(clients.map((client) => client.readAnswer()));
  expect(answers.map(({ status }) => status)).toEqual([504, 504, 503]);
  expect(JSON.parse(answers[2]!.body.toString())).toMatchObject({ executed: 'no' });
  expect(pool.requests.filter((request) => request.includes('junk-3'))).toEqual([]);
});

test('calls of new users together reach the limit for queued calls, whatever address they come from', async () => {
  const { pool, proxy, send, ask } = await start({ UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS: '6' });
  for (const n of [2, 3, 4, 5, 6, 7]) send(`127.0.0.${n}`, me, junk(n));
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 6);
  expect(await ask('127.0.0.8', me, junk(8))).toBe(503);
  expect((await proxy.metrics()).get('ucwa_proxy_refused_total{reason="queue_calls"}')).toBe(1);
});

const fewBytes = {
  UCWA_PROXY_LIMITS_MAX_QUEUED_BYTES: '16384',
  UCWA_PROXY_LIMITS_MAX_QUEUED_BYTES_PER_USER: '16384',
  UCWA_PROXY_LIMITS_MAX_CALL_BYTES: '16384',
};

test('calls that wait for their turn can hold a quarter of the bytes that may be queued', async () => {
  const { ask } = await crowded(fewBytes);
  // The third call waits already; this one is larger than the rest of the quarter.
  expect(await ask('127.0.0.2', me, junk(5), `X-Filler: ${'f'.repeat(4096)}`)).toBe(503);
});

/** Pipelines two calls of new users on one connection. Both wait behind calls from the same address. */
async function pipelinedBehind(env: Readonly<Record<string, string>> = {}) {
  const started = await crowded(env);
  const client = new RawClient(started.proxy.port, '127.0.0.2');
  const call = (n: number): string => `GET ${me} HTTP/1.1\r\nHost: p\r\n${junk(n)}\r\n\r\n`;
  client.send(call(4) + call(5));
  await started.proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 3);
  return { ...started, client };
}

test('at shutdown pipelined calls that wait for their turn are not sent', async () => {
  const { pool, proxy, client } = await pipelinedBehind();
  void proxy.stop();
  await proxy.abort();
  // The first answer closes the connection.
  expect((await client.readAnswer()).status).toBe(503);
  expect(pool.requests.filter((request) => /junk-[45]/.test(request))).toEqual([]);
});

test('polls of new users leave the calls of all new users to others', async () => {
  const { pool, proxy, send, ask } = await start({ UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS: '5' });
  const events = me.replace(/me$/, 'events?ack=1');
  for (const n of [2, 3, 4, 5, 6]) send(`127.0.0.${n}`, events, junk(n));
  await proxy.untilMetric('ucwa_proxy_long_polls', (open) => open + pool.requests.length === 10);
  expect(await ask('127.0.0.7', `${me}?answered`, junk(7))).toBe(200);
});

test('a call that waits behind a call of its own connection is not sent when the client leaves', async () => {
  const { pool, proxy, get, client } = await dripping();
  const leaver = client(get(2, '?drip'), get(3));
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 1);
  leaver.leave();
  client(get(4, '?drip'));
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 3);
  expect(pool.requests.filter((request) => request.includes('junk-3'))).toEqual([]);
});

test('a call that is refused for its bytes is not sent when a slot becomes free before its answer is written', async () => {
  const { pool, proxy, get, client, first } = await dripping(fewBytes);
  const large = get(3).replace('\r\n\r\n', `\r\nX-Filler: ${'f'.repeat(5000)}\r\n\r\n`);
  client(get(2, '?drip'), large);
  const refused = 'ucwa_proxy_refused_total{reason="queue_bytes"}';
  await proxy.untilMetric(refused, (count) => count === 1);
  first.leave();
  client(get(4, '?drip'));
  await proxy.untilMetric(refused, () => pool.requests.length === 3);
  expect(pool.requests.filter((request) => request.includes('junk-3'))).toEqual([]);
});
