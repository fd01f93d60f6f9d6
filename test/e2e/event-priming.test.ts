/** The GETs that follow an event share one batch, also if they come one after the other. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Phone } from '../support/phone.ts';
import { presence, startPrimingPool } from '../support/priming-pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app } from '../support/ucwa-client.ts';

const targets = Array.from({ length: 9 }, (_, i) => presence(i));
/** Time between two GETs. The proxy learns it, and later waits a little longer for the next GET. */
const gapMs = 100;

/** The answer of the pool to a GET. */
const found = (target: string): string => `200 ${target}`;

async function start(eventPriming: string) {
  const pool = await startPrimingPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_EVENT_PRIMING: eventPriming,
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  });
  const phone = new Phone(proxy.port, pool);
  /** Answers this number of GETs. Returns the targets of each request. */
  const answer = async (count: number): Promise<Array<readonly string[]>> => {
    const requests: Array<readonly string[]> = [];
    while (requests.flat().length < count) {
      const read = await pool.nextRead();
      requests.push(read.targets);
      read.answer();
    }
    return requests;
  };
  await phone.hear(targets);
  for (const target of targets) {
    phone.send([target]);
    await delay(gapMs);
  }
  await answer(targets.length);
  await phone.receive(targets.length);
  /** Reads three resources with pauses in between. Returns the targets of each request. */
  const readSlowly = async (): Promise<Array<readonly string[]>> => {
    await phone.hear(targets.slice(0, 3));
    const answered = answer(3);
    for (const target of targets.slice(0, 3)) {
      phone.send([target]);
      await delay(gapMs / 5);
    }
    expect(await phone.receive(3)).toEqual(targets.slice(0, 3).map(found));
    return answered;
  };
  return { phone, answer, readSlowly };
}

test('hold: GETs with pauses in between share one batch', async () => {
  const { readSlowly } = await start('hold');
  expect(await readSlowly()).toEqual([targets.slice(0, 3)]);
});

test('off: each of them is sent when it comes', async () => {
  const { readSlowly } = await start('off');
  expect((await readSlowly()).length).toBeGreaterThan(1);
});

test('hold: a GET that no event announced does not wait', async () => {
  const { phone, answer } = await start('hold');
  await phone.hear(targets.slice(0, 2));
  phone.send([`${app}/me`]);
  expect(await answer(1)).toEqual([[`${app}/me`]]);
  expect(await phone.receive(1)).toEqual([found(`${app}/me`)]);
});
