/** The GETs that follow an event share one batch, also if they come one after the other. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Phone } from '../support/phone.ts';
import { presence, startPrimingPool } from '../support/priming-pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app } from '../support/ucwa-client.ts';

const targets = Array.from({ length: 8 }, (_, i) => presence(i));
/** The answer of the pool to a GET. */
const found = (target: string): string => `200 ${target}`;

/** Time from the event to the first GET. The proxy learns it, and waits a little longer for later GETs. */
const thinkMs = 400;

async function start(eventPriming: string) {
  const pool = await startPrimingPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_EVENT_PRIMING: eventPriming,
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  });
  const phone = new Phone(proxy.port, pool);
  await phone.hear(targets);
  await delay(thinkMs);
  phone.send(targets);
  expect(await phone.receive(8)).toEqual(targets.map(found));
  return { pool, phone, learned: pool.reads.length };
}

async function readSlowly(phone: Phone): Promise<void> {
  const [first = '', second = '', third = ''] = targets;
  await phone.hear([first, second, third]);
  phone.send([first]);
  await delay(20);
  phone.send([second, third]);
  expect(await phone.receive(3)).toEqual([first, second, third].map(found));
}

test('hold: GETs with pauses in between share one batch', async () => {
  const { pool, phone, learned } = await start('hold');
  await readSlowly(phone);
  expect(pool.reads.slice(learned).map((read) => read.targets)).toEqual([targets.slice(0, 3)]);
});

test('off: each of them is sent when it comes', async () => {
  const { pool, phone, learned } = await start('off');
  await readSlowly(phone);
  expect(pool.reads.slice(learned).length).toBeGreaterThan(1);
});

test('hold: a GET that no event announced does not wait', async () => {
  const { pool, phone, learned } = await start('hold');
  await phone.hear(targets.slice(0, 2));
  phone.send([`${app}/me`]);
  expect(await phone.receive(1)).toEqual([found(`${app}/me`)]);
  expect(pool.reads.slice(learned).map((read) => read.targets)).toEqual([[`${app}/me`]]);
});
