/** `Priority` on real sockets: what it changes, and that it reaches the pool as the client sent it. */
import { describe, expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

/** A window that no test waits for. */
const window = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
};
const held = 'ucwa_proxy_held_calls';

test('an urgent call ends the hold, and takes along what is held; each part has its own Priority', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, window);
  const client = new UcwaClient(proxy.url);
  const [first, second, third] = notes(3);
  const waiting = [
    client.ask(first!),
    client.ask(second!, { headers: { Priority: 'u=7, i;x="a, b"' } }),
  ];
  await proxy.untilMetric(held, (calls) => calls === 2);
  const urgent = client.ask(third!, { headers: { priority: 'u=1' } });
  const answers = await Promise.all([...waiting, urgent]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(pool.stats()).toMatchObject({ batches: 1, parts: 3 });
  const [batch] = pool.ledger.requests();
  const priorities = batch!.parts.map(({ head }) => /^priority: .*$/im.exec(head)?.[0]);
  expect(priorities).toEqual([undefined, 'Priority: u=7, i;x="a, b"', 'priority: u=1']);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_batches_total{flush_reason="idle"}')).toBe(1);
});

test('a call that is not urgent waits for the next call, and not longer than a hold', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_LINGER_MAX_MS: '150' });
  const client = new UcwaClient(proxy.url);
  const patient = { headers: { Priority: 'u=6' } };
  const [first, second] = notes(2);
  // The first call of a user waits for nothing else.
  await client.ask(first!);
  const startedAt = performance.now();
  await client.ask(first!, patient);
  expect(performance.now() - startedAt).toBeGreaterThan(145);
  const waiting = client.ask(first!, patient);
  await proxy.untilMetric(held, (calls) => calls === 1);
  await Promise.all([waiting, client.ask(second!)]);
  expect(pool.stats()).toMatchObject({ batches: 1, parts: 2 });
});

test.each([
  ['an unbatched call', `${app}/me/note`],
  ['a call that passes through', '/elsewhere'],
  ['a poll', `${app}/events?ack=1`],
])(
  'Priority reaches the pool line by line with %s, and that of the answer the client',
  async (_what, target) => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nPriority: u=5, i\r\nContent-Length: 2\r\n\r\nok');
    });
    const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
    const client = new RawClient(proxy.port);
    const credential = 'Authorization: Bearer cwt=sim-ann\r\n';
    const lines = 'Priority: u=0,\tfoo\r\npriority:  i , u=1\r\n';
    client.send(`GET ${target} HTTP/1.1\r\nHost: pool.example\r\n${credential}${lines}\r\n`);
    expect((await client.readAnswer()).head).toMatch(/^Priority: u=5, i$/m);
    const sent = pool.requests[0]!.split('\r\n').filter((line) => /^priority/i.test(line));
    expect(sent).toEqual(['Priority: u=0,\tfoo', 'priority: i , u=1']);
  },
);

describe('a Priority that is malformed', () => {
  const malformed = [
    'u=0,',
    'u=-1',
    'u=9',
    'u="0"',
    'u=0 i',
    '=',
    '?1',
    'u=0;;',
    'u=(0',
    '\u00e4',
    ',',
  ];

  test('leaves the call as it is, and leaves nothing behind', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, { ...window, UCWA_PROXY_BATCHING_MAX_PARTS: '11' });
    const client = new UcwaClient(proxy.url);
    const wave = () =>
      Promise.all(
        malformed.map((value, i) =>
          client.ask(`${app}/me/note?n=${i}`, { headers: { Priority: value } }),
        ),
      );
    for (let i = 0; i < 20; i += 1) {
      const statuses = (await wave()).map(({ status }) => status);
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
    // None of them is urgent: the eleventh call fills each batch. A late batch may cause further requests.
    expect(pool.stats()).toMatchObject({ batches: 20, parts: 220 });
    const metrics = await proxy.metrics();
    expect(metrics.get(held)).toBe(0);
    expect(metrics.get('ucwa_proxy_outstanding_calls')).toBe(0);
    expect(metrics.get('ucwa_proxy_users{state="active"}')).toBe(0);
    const parts = pool.ledger.requests().flatMap((request) => request.parts);
    const sent = parts.map(({ head }) => /^priority: (.*)$/im.exec(head)?.[1]);
    expect(new Set(sent)).toEqual(new Set(malformed));
  });
});
