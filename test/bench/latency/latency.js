/**
 * Measures added latency and saved requests: the same clients alternate between a simulated pool
 * and the proxy.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../report/statistics.js';
import { Device, oneByOne, startUp } from './clients.js';
import { callsOneByOne } from './one-by-one.js';
import { startPair } from './programs.js';

/** @typedef {{ ms: number, explained: string }} Answer */

/** @type {import('../parts/registry.js').Part} */
export const latency = {
  name: 'latency',
  title: 'What callers pay, and what the pool saves',
  // The plan gives the number of rounds. The devices determine the length of a round.
  plans: { usual: { rounds: 9, roundMs: 1 }, quick: { rounds: 2, roundMs: 1 } },
  async run({ plan: { rounds }, quick, dist, progress }) {
    progress('bursts');
    const rows = [await bursts(rounds, dist), await devices(rounds * 5, dist)];
    const routesMs = quick ? [8] : [1, 8, 40];
    const warmUpCalls = quick ? 1000 : 20_000;
    const alone = await callsOneByOne({ routesMs, rounds, warmUpCalls, dist, progress });
    const columns = ['', 'calls', 'saved', 'p50 direct, ms', '+p50', '+p95', 'mean hold, ms'];
    return {
      about: [
        'The same clients at a simulated pool and through the proxy, in turn, default settings. Saved ' +
          'are requests at the pool.',
        'A client that waits for each answer has nothing to save, and should pay what any proxy takes ' +
          'and no more: it goes through other proxies too, in turn, all of which have run for a while. Beside it, in half of the rounds, ' +
          'four other users start on the same way, each with eight calls at once, again and again.',
      ],
      tables: [{ title: 'Together:', columns, rows }, alone.table],
      charts: [],
      notes: alone.leftOut,
      data: { rows, oneByOne: alone.data },
    };
  },
};

/** 8 users with 2 devices each start at different times; routes take 40 ms. */
async function bursts(rounds, dist) {
  const pair = await startPair(40, dist);
  const sides = [pair.poolUrl, pair.proxyUrl].map((url) => ({
    /** @type {Answer[]} */
    answers: [],
    users: Array.from({ length: 8 }, (_, i) => [
      new Device(url, `burst${i}`, 0),
      new Device(url, `burst${i}`, 1),
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
  return report('app-start bursts, 40 ms routes', sides, pair);
}

/** 5 users with 6 devices each wait for each answer and pause for 10 ms; routes take 30 ms. */
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
  return report('5 users x 6 devices, thinking, 30 ms', sides, pair);
}

/**
 * @param {string} name
 * @param {ReadonlyArray<{ answers: Answer[] }>} sides direct, then proxied
 * @param {Awaited<ReturnType<typeof startPair>>} pair
 * @returns {Promise<string[]>}
 */
async function report(name, sides, pair) {
  const [direct = [], proxied = []] = sides.map(({ answers }) =>
    answers.map(({ ms }) => ms).sort((a, b) => a - b),
  );
  const explained = sides[1]?.answers.map((answer) => answer.explained) ?? [];
  const holds = explained.map((text) => Number(/hold=([\d.]+)/.exec(text)?.[1] ?? 0));
  const meanHold = holds.reduce((sum, ms) => sum + ms, 0) / Math.max(1, holds.length);
  const requests = new Set(explained.map((text) => /id=(\d+)/.exec(text)?.[1] ?? text)).size;
  /** @param {number} share */
  const more = (share) => (percentile(proxied, share) - percentile(direct, share)).toFixed(2);
  await pair.stop();
  return [
    name,
    String(proxied.length),
    `${((1 - requests / explained.length) * 100).toFixed(0)} %`,
    percentile(direct, 0.5).toFixed(2),
    more(0.5),
    more(0.95),
    meanHold.toFixed(2),
  ];
}
