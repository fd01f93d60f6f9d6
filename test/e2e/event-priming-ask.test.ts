/** The proxy asks for resources that an event named, and answers the GETs of the client from what came. */
import { expect, test } from '@jest/globals';
import { get, poll } from '../support/event-pool.ts';
import { Phone } from '../support/phone.ts';
import { presence, startPrimingPool } from '../support/priming-pool.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { app } from '../support/ucwa-client.ts';

const targets = Array.from({ length: 8 }, (_, i) => presence(i));
const three = targets.slice(0, 3);
/** GETs that follow events, until their share is proved. */
const rounds = 4;

interface Options {
  /** Fields of the GETs. */
  readonly fields?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a client that has read all resources that events named. The test answers its later GETs. */
async function start({ fields = '', env = {} }: Options = {}) {
  const pool = await startPrimingPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_EVENT_PRIMING: 'ask',
    ...env,
  });
  const phone = new Phone(proxy.port, pool, fields);
  for (let round = 0; round < rounds; round += 1) {
    await phone.hear(targets);
    phone.send(targets);
    const received = phone.receive(targets.length);
    for (let asked = 0; asked < targets.length;) {
      const read = await pool.nextRead();
      asked += read.targets.length;
      read.answer('old');
    }
    await received;
  }
  const primed = async (outcome: string): Promise<number | undefined> =>
    (await proxy.metrics()).get(`ucwa_proxy_primed_calls_total{outcome="${outcome}"}`);
  return { pool, proxy, phone, primed };
}

const old = (target: string): string => `200 ${target} old`;
const recent = (target: string): string => `200 ${target} new`;

async function untilPrimed(proxy: TestProxy, outcome: string, count: number): Promise<void> {
  const series = `ucwa_proxy_primed_calls_total{outcome="${outcome}"}`;
  await proxy.untilMetric(series, (value) => value === count);
}

test('the GETs of the client are answered from one batch that the proxy sent before', async () => {
  const { pool, proxy, phone, primed } = await start();
  await phone.hear(three);
  const ahead = await pool.nextRead();
  expect(ahead.targets).toEqual(three);
  const before = await proxy.metrics();
  ahead.answer('old');
  await pool.untilIdle(proxy);
  phone.send(three);
  expect(await phone.receive(3)).toEqual(three.map(old));
  expect([await primed('answered'), await primed('unused')]).toEqual([3, 0]);
  const counted = 'ucwa_proxy_calls_total{via="batch",code="200"}';
  expect((await proxy.metrics()).get(counted)).toBe((before.get(counted) ?? 0) + 3);
  phone.send(three);
  const again = await pool.nextRead();
  again.answer('new');
  for (let more = again.targets.length; more < 3;) {
    const read = await pool.nextRead();
    more += read.targets.length;
    read.answer('new');
  }
  expect(await phone.receive(3)).toEqual(three.map(recent));
});

test('a GET that comes before the answer waits for it', async () => {
  const { pool, phone, primed } = await start();
  await phone.hear(three);
  const ahead = await pool.nextRead();
  const last = `${app}/me`;
  phone.send([...three, last]);
  let own = await pool.nextRead();
  // On a slow machine the batch is late, and the proxy sends its parts once more.
  while (own.targets.every((target) => three.includes(target))) own = await pool.nextRead();
  expect(own.targets).toEqual([last]);
  ahead.answer('old');
  own.answer('new');
  expect(await phone.receive(4)).toEqual([...three.map(old), recent(last)]);
  expect(await primed('followed')).toBe(3);
});

test('a GET whose early answer is an error is sent by itself', async () => {
  const { pool, proxy, phone } = await start();
  const [one = ''] = three;
  await phone.hear([one]);
  const ahead = await pool.nextRead();
  phone.send([one]);
  ahead.answer('', 500);
  const own = await pool.nextRead();
  own.answer('new');
  expect(await phone.receive(1)).toEqual([recent(one)]);
  await untilPrimed(proxy, 'failed', 1);
});

test('after a write of the user the answer is not used, and the write is sent first', async () => {
  const { pool, proxy, phone } = await start();
  const [one = ''] = three;
  await phone.hear([one]);
  (await pool.nextRead()).answer('old');
  await pool.untilIdle(proxy);
  await phone.write(`${app}/me/note`);
  await untilPrimed(proxy, 'outdated', 1);
  phone.send([one]);
  (await pool.nextRead()).answer('new');
  expect(await phone.receive(1)).toEqual([recent(one)]);
});

test('after a newer event of the resource the older answer is not used', async () => {
  const { pool, proxy, phone } = await start();
  const [one = ''] = three;
  await phone.hear([one]);
  (await pool.nextRead()).answer('old');
  await pool.untilIdle(proxy);
  await phone.hear([one]);
  (await pool.nextRead()).answer('new');
  await pool.untilIdle(proxy);
  phone.send([one]);
  expect(await phone.receive(1)).toEqual([recent(one)]);
  await untilPrimed(proxy, 'outdated', 1);
});

test('after a write with 500, which may go on running, the proxy asks for nothing', async () => {
  const { pool, phone } = await start();
  pool.writeStatus = '500 Internal Server Error';
  await phone.write(`${app}/me/note`);
  await phone.hear(three);
  phone.send([`${app}/me`]);
  expect((await pool.nextRead()).targets).toEqual([`${app}/me`]);
});

test('after an event answer that is not read no earlier answer is used', async () => {
  const { pool, proxy, phone } = await start();
  const [one = ''] = three;
  await phone.hear([one]);
  (await pool.nextRead()).answer('old');
  await pool.untilIdle(proxy);
  await phone.hear(Array.from({ length: 1001 }, (_, i) => `${app}/people/q${i}@x/note`));
  await untilPrimed(proxy, 'outdated', 1);
  phone.send([one]);
  (await pool.nextRead()).answer('new');
  expect(await phone.receive(1)).toEqual([recent(one)]);
});

test('an answer that the client does not ask for is dropped after 2 s, and counted', async () => {
  const { pool, proxy, phone } = await start();
  const [one = ''] = three;
  await phone.hear([one]);
  (await pool.nextRead()).answer('old');
  await untilPrimed(proxy, 'unused', 1);
  phone.send([one]);
  (await pool.nextRead()).answer('new');
  expect(await phone.receive(1)).toEqual([recent(one)]);
});

/** The fields of another GET for the resource, on another connection. */
test.each([
  ['another credential', 'Authorization: Bearer cwt=sim-bob\r\n'],
  [
    'a web ticket beside the credential',
    'Authorization: Bearer cwt=sim-ann\r\nX-MS-WebTicket: t\r\n',
  ],
  ['another cookie', 'Authorization: Bearer cwt=sim-ann\r\nCookie: a=2\r\n'],
  ['another origin', 'Authorization: Bearer cwt=sim-ann\r\nOrigin: https://b.example\r\n'],
  ['another Accept', 'Authorization: Bearer cwt=sim-ann\r\nAccept: application/xml\r\n'],
  ['a second Accept', 'Authorization: Bearer cwt=sim-ann\r\nAccept: a/b\r\nAccept: c/d\r\n'],
  ['another language', 'Authorization: Bearer cwt=sim-ann\r\nAccept-Language: de\r\n'],
  ['another coding', 'Authorization: Bearer cwt=sim-ann\r\nAccept-Encoding: gzip\r\n'],
  ['a condition', 'Authorization: Bearer cwt=sim-ann\r\nIf-None-Match: "1"\r\n'],
  ['no-cache', 'Authorization: Bearer cwt=sim-ann\r\nCache-Control: no-cache\r\n'],
  ['a wish for details', 'Authorization: Bearer cwt=sim-ann\r\nX-Ucwa-Batch: explain\r\n'],
])('an answer is not for a GET with %s', async (_, fields) => {
  const { pool, proxy, phone } = await start();
  const [one = ''] = three;
  await phone.hear([one]);
  (await pool.nextRead()).answer('old');
  await pool.untilIdle(proxy);
  const other = new RawClient(proxy.port);
  other.send(`GET ${one} HTTP/1.1\r\nHost: p\r\n${fields}\r\n`);
  (await pool.nextRead()).answer('new');
  expect((await other.readAnswer()).body.toString()).toBe(`${one} new`);
});

test('the proxy sends the fields of the client that the answer depends on', async () => {
  const { pool, phone } = await start({ fields: 'Cookie: a=1\r\nAccept-Language: de\r\n' });
  const [one = ''] = three;
  await phone.hear([one]);
  const { text } = await pool.nextRead();
  expect(text).toMatch(/^Authorization: Bearer cwt=sim-ann\r$/m);
  expect(text).toMatch(/^Cookie: a=1\r$/m);
  expect(text).toMatch(/^Accept-Language: de\r$/m);
});

test('a user near its limit gets nothing ahead', async () => {
  const { pool, proxy, phone } = await start();
  const busy = new RawClient(proxy.port);
  busy.send(Array.from({ length: 12 }, (_, i) => get(`${app}/people/q${i}@x`)).join(''));
  for (let held = 0; held < 12;) held += (await pool.nextRead()).targets.length;
  const asked = pool.reads.length;
  await phone.hear(three);
  await proxy.metrics();
  const later = pool.reads.slice(asked).flatMap((read) => read.targets);
  expect(later.filter((target) => three.includes(target))).toEqual([]);
});

test.each(['401 Unauthorized', '404 Not Found'])(
  'after a poll with %s the proxy asks for nothing with the old credential',
  async (status) => {
    const { pool, phone } = await start();
    pool.pollStatus = status;
    await phone.hear([]);
    pool.pollStatus = '200 OK';
    await phone.hear(three);
    phone.send([`${app}/me`]);
    expect((await pool.nextRead()).targets).toEqual([`${app}/me`]);
  },
);

test('a client that leaves while it waits is reported, and another GET gets the answer', async () => {
  const { pool, proxy, phone } = await start();
  const [one = ''] = three;
  await phone.hear([one]);
  const ahead = await pool.nextRead();
  const leaver = new RawClient(proxy.port);
  leaver.send(get(one));
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (count) => count >= 3);
  leaver.leave();
  await proxy.untilMetric('ucwa_proxy_client_aborts_total{stage="sent"}', (count) => count === 1);
  phone.send([one]);
  ahead.answer('old');
  expect(await phone.receive(1)).toEqual([old(one)]);
});

test('a GET that waits when the shutdown begins is sent as always, and answered', async () => {
  const { pool, proxy, phone } = await start();
  const [one = ''] = three;
  await phone.hear([one]);
  await pool.nextRead();
  phone.send([one]);
  await proxy.metrics();
  const stopped = proxy.stop();
  const again = await pool.nextRead();
  expect(again.targets).toEqual([one]);
  again.answer('new');
  expect(await phone.receive(1)).toEqual([recent(one)]);
  await stopped;
});

test('GETs that were asked for in vain save no request', async () => {
  const { pool, proxy, phone } = await start();
  const saved = async () =>
    (await proxy.metrics()).get('ucwa_proxy_upstream_requests_saved') ?? NaN;
  const before = await saved();
  await phone.hear(three);
  (await pool.nextRead()).answer('old');
  await untilPrimed(proxy, 'unused', 3);
  expect(await saved()).toBe(before - 1);
});

test('hold: the proxy asks for nothing itself', async () => {
  const { pool, proxy, phone } = await start({
    env: { UCWA_PROXY_BATCHING_EVENT_PRIMING: 'hold' },
  });
  const asked = pool.reads.length;
  const poller = new RawClient(proxy.port);
  poller.send(poll);
  pool.tell(three);
  await poller.readAnswer();
  const [one = ''] = three;
  phone.send([one]);
  (await pool.nextRead()).answer('new');
  expect(await phone.receive(1)).toEqual([recent(one)]);
  expect(pool.reads.length).toBe(asked + 1);
});
