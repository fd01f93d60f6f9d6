/**
 * What callers pay and what the pool saves: the same clients directly at a simulated pool and through
 * the proxy, in turn.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../report/statistics.js';
import { Device, oneByOne, startUp } from './clients.js';
import { startPair } from './programs.js';

/** @typedef {{ ms: number, explained: string }} Answer */

/** @typedef {string[]} Row */

/** @type {import('../parts/registry.js').Part} */
export const latency = {
  name: 'latency',
  title: 'What callers pay, and what the pool saves',
  // Devices make so many rounds of calls; how long one takes is theirs.
  plans: { usual: { rounds: 10, roundMs: 1 }, quick: { rounds: 2, roundMs: 1 } },
  async run({ plan: { rounds }, quick, dist, progress }) {
    const rows = [];
    progress('bursts');
    rows.push(await bursts(rounds, dist), await devices(rounds * 5, dist));
    for (const routeMs of quick ? [8] : [1, 8, 40]) {
      progress(`one by one, ${routeMs} ms`);
      rows.push(await sequential({ routeMs, rounds, besideBursts: false, dist }));
      rows.push(await sequential({ routeMs, rounds, besideBursts: true, dist }));
    }
    const columns = ['', 'calls', 'saved', 'p50 direct, ms', '+p50', '+p95', 'mean hold, ms'];
    return {
      about: [
        'The same clients at a simulated pool and through the proxy, in turn, default settings. Saved ' +
          'are requests at the pool; where nothing can be, the calls that were wrapped are counted.',
      ],
      tables: [{ columns, rows }],
      charts: [],
      notes: [],
      data: { rows },
    };
  },
};

/** 8 users with 2 devices each start, at moments of their own; 40 ms routes. */
async function bursts(rounds, dist) {
  const pair = await startPair(40, dist);
  const sides = [pair.poolUrl, pair.proxyUrl].map((url) => ({
    /** @type {Answer[]} */
    answers: [],
    users: Array.from({ length: 8 }, (_, i) => [
      new Device(url, `burst${i}`),
      new Device(url, `burst${i}`),
    ]),
  }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { users, answers } of sides) {
      const all = await Promise.all(
        users.map(async (pairOfDevices) => {
          await delay(Math.random() * 200);
          return (await Promise.all(pairOfDevices.map(startUp))).flat();
        }),
      );
      // The first round warms up.
      if (round > 0) answers.push(...all.flat());
    }
  }
  return report('app-start bursts, 40 ms routes', sides, pair, true);
}

/** 5 users with 6 devices that wait for each answer and think 10 ms; 30 ms routes. */
async function devices(calls, dist) {
  const pair = await startPair(30, dist);
  const sides = [pair.poolUrl, pair.proxyUrl].map((url) => ({
    /** @type {Answer[]} */
    answers: [],
    devices: Array.from(
      { length: 30 },
      (_, i) => new Device(url, `busy${i % 5}`, Math.floor(i / 5)),
    ),
  }));
  for (const side of sides) {
    const shape = { calls, thinkMs: 10, writes: true };
    const all = await Promise.all(side.devices.map((device) => oneByOne(device, shape)));
    side.answers.push(...all.flat());
  }
  return report('5 users x 6 devices, thinking, 30 ms', sides, pair, true);
}

/** What has just started is slow, on either side: other users come and go until it is not. */
async function warmUp(pair, calls) {
  for (const url of [pair.poolUrl, pair.proxyUrl]) {
    const guests = Array.from({ length: 100 }, (_, i) => new Device(url, `guest${i}`));
    const shape = { calls, thinkMs: 0, writes: false };
    await Promise.all(guests.map((guest) => oneByOne(guest, shape)));
    for (const guest of guests) guest.close();
  }
}

/** A client that waits for each answer, alone or beside users who start in bursts. */
async function sequential({ routeMs, rounds, besideBursts, dist }) {
  const calls = rounds * 15;
  const pair = await startPair(routeMs, dist);
  await warmUp(pair, Math.min(80, rounds * 5));
  const others = Array.from({ length: 4 }, (_, i) => new Device(pair.proxyUrl, `other${i}`));
  let isOver = false;
  const noise = besideBursts
    ? Promise.all(
        others.map(async (device) => {
          while (!isOver) {
            await startUp(device);
            await delay(Math.random() * 150);
          }
        }),
      )
    : Promise.resolve();
  const sides = [pair.poolUrl, pair.proxyUrl].map((url) => ({
    /** @type {Answer[]} */
    answers: [],
    device: new Device(url, 'alone'),
  }));
  const perRound = 20;
  for (let done = -perRound; done < calls; done += perRound) {
    for (const side of sides) {
      const shape = { calls: perRound, thinkMs: 0, writes: false, explainEvery: 4 };
      const answers = await oneByOne(side.device, shape);
      if (done >= 0) side.answers.push(...answers);
    }
  }
  isOver = true;
  await noise;
  const name = `one by one${besideBursts ? ' beside bursts' : ''}, ${routeMs} ms route`;
  return report(name, sides, pair, false);
}

/**
 * @param {string} name
 * @param {ReadonlyArray<{ answers: Answer[] }>} sides direct, then proxied
 * @param {Awaited<ReturnType<typeof startPair>>} pair
 * @param {boolean} batchable whether there is anything to save
 * @returns {Promise<Row>}
 */
async function report(name, sides, pair, batchable) {
  // Where some calls were not explained these are timed: what is asked for on top takes time.
  const plain = sides[1]?.answers.some(({ explained }) => explained === '') ?? false;
  const [direct = [], proxied = []] = sides.map(({ answers }) =>
    answers
      .filter((_, i) => !plain || sides[1]?.answers[i]?.explained === '')
      .map(({ ms }) => ms)
      .sort((a, b) => a - b),
  );
  const explained =
    sides[1]?.answers.map(({ explained }) => explained).filter((text) => text !== '') ?? [];
  const holds = explained.map((text) => Number(/hold=([\d.]+)/.exec(text)?.[1] ?? 0));
  const wrapped = explained.filter((text) => !text.includes('parts=1;')).length;
  const meanHold = holds.reduce((sum, ms) => sum + ms, 0) / Math.max(1, holds.length);
  const requests = explained.reduce(
    (sum, text) => sum + 1 / Number(/parts=(\d+)/.exec(text)?.[1] ?? 1),
    0,
  );
  const saved = batchable
    ? `${((1 - requests / explained.length) * 100).toFixed(0)} %`
    : `${wrapped} wrapped`;
  /** @param {number} share */
  const more = (share) => (percentile(proxied, share) - percentile(direct, share)).toFixed(2);
  await pair.stop();
  const p50 = percentile(direct, 0.5).toFixed(2);
  return [name, String(proxied.length), saved, p50, more(0.5), more(0.95), meanHold.toFixed(2)];
}
