/**
 * A client that waits for each answer. Batching saves nothing here, so it should cost no more than
 * any proxy does. The same client calls the pool directly and through each peer in turn.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { withChildren } from '../children/with-children.js';
import { ours, peersNamed, runnable } from '../peers/registry.js';
import { percentile } from '../report/statistics.js';
import { Device, oneByOne, startUp, warmUp } from './clients.js';
import { quietLog } from '../measure/stages.js';
import { startPool } from './programs.js';

/** Duration of a round, or slightly less. Other users start in the meantime. */
const roundMs = 300;
const minCallsOfRound = 20;
/** Every fourth call asks for an explanation. That takes time, so these calls are not timed. */
const explainEvery = 4;

/**
 * @typedef {object} Side
 * @property {string} name
 * @property {string} url
 * @property {number[]} times latencies of its calls, in ms
 * @property {string[]} explained explanations of the proxy
 */

/**
 * @param {object} options
 * @param {readonly number[]} options.routesMs
 * @param {number} options.rounds
 * @param {number} options.warmUpCalls calls through each proxy
 * @param {URL} options.dist
 * @param {(text: string) => void} options.progress
 * @returns {Promise<{ table: import('../report/markdown.js').Table, leftOut: string[], data: object[] }>}
 */
export async function callsOneByOne({ routesMs, rounds, warmUpCalls, dist, progress }) {
  const { peers, leftOut } = runnable(peersNamed('direct', ours, 'http-proxy', 'nginx'));
  const rows = [];
  const data = [];
  for (const routeMs of routesMs) {
    progress(`one by one, ${routeMs} ms`);
    const measured = await atRoute(routeMs, peers, { rounds, warmUpCalls, dist });
    for (const { name, sides } of measured) {
      rows.push(rowOf(name, sides));
      data.push({
        name,
        sides: sides.map(({ name: who, times }) => ({ name: who, times })),
      });
    }
  }
  const [, ...proxies] = peers.map(({ name }) => name);
  const columns = [
    ...['', 'calls', 'p50 direct, ms', 'wrapped', 'mean hold, ms'],
    ...['p50', 'p95'].flatMap((share) => proxies.map((name) => `+${share}, ${name}`)),
  ];
  return { table: { title: 'One by one:', columns, rows }, leftOut, data };
}

/**
 * @param {number} routeMs
 * @param {readonly import('../peers/registry.js').Peer[]} peers
 * @param {{ rounds: number, warmUpCalls: number, dist: URL }} options
 */
async function atRoute(routeMs, peers, { rounds, warmUpCalls, dist }) {
  const pool = await startPool(routeMs, dist);
  try {
    return await withChildren(async (start) => {
      const urls = [];
      for (const { name, file } of peers) {
        const options = { poolUrls: [pool.url], dist: dist.href, env: quietLog };
        const child = await start(name, file, options);
        urls.push({ name, url: child.facts.url });
        // Only the Node programs are slow after a start.
        if (name === ours || name === 'http-proxy') await warmUp(child.facts.url, warmUpCalls);
      }
      const calls = Math.max(minCallsOfRound, Math.ceil(roundMs / (routeMs + 1)));
      const measured = [];
      for (const besideBursts of [false, true]) {
        const sides = urls.map((one) => ({ ...one, times: [], explained: [] }));
        // The first round warms up.
        for (let round = 0; round <= rounds; round += 1) {
          for (const side of sides) await measureRound(side, calls, round > 0, besideBursts);
        }
        const name = `${routeMs} ms route${besideBursts ? ', beside bursts' : ''}`;
        measured.push({ name, sides });
      }
      return measured;
    });
  } finally {
    await pool.stop();
  }
}

/**
 * @param {Side} side
 * @param {number} calls
 * @param {boolean} counts
 * @param {boolean} besideBursts whether other users start at the same side meanwhile
 */
async function measureRound({ url, times, explained }, calls, counts, besideBursts) {
  const device = new Device(url, 'alone');
  const others = besideBursts ? Array.from({ length: 4 }, (_, i) => `other${i}`) : [];
  let isOver = false;
  const bursts = others.map(async (user) => {
    const other = new Device(url, user);
    while (!isOver) {
      await startUp(other);
      await delay(Math.random() * 150);
    }
    other.close();
  });
  const shape = { calls, thinkMs: 0, writes: false, explainEvery };
  const alone = oneByOne(device, shape).finally(() => (isOver = true));
  const [answers] = await Promise.all([alone, ...bursts]);
  device.close();
  if (!counts) return;
  // The first call of a round opens the connection, so it is not timed.
  for (const { ms } of answers.filter((_, i) => i % explainEvery !== 0)) times.push(ms);
  for (const { explained: text } of answers) if (text !== '') explained.push(text);
}

/**
 * @param {string} name
 * @param {readonly Side[]} sides direct first
 * @returns {string[]}
 */
function rowOf(name, sides) {
  const sorted = sides.map(({ times }) => [...times].sort((a, b) => a - b));
  const [direct = [], ...proxies] = sorted;
  const { explained = [] } = sides.find((side) => side.name === ours) ?? {};
  const holds = explained.map((text) => Number(/hold=([\d.]+)/.exec(text)?.[1] ?? 0));
  const wrapped = explained.filter((text) => !text.includes('parts=1;')).length;
  const meanHold = holds.reduce((sum, ms) => sum + ms, 0) / Math.max(1, holds.length);
  return [
    name,
    String(direct.length),
    percentile(direct, 0.5).toFixed(2),
    `${wrapped} of ${explained.length}`,
    meanHold.toFixed(2),
    ...[0.5, 0.95].flatMap((share) =>
      proxies.map((times) => (percentile(times, share) - percentile(direct, share)).toFixed(2)),
    ),
  ];
}
