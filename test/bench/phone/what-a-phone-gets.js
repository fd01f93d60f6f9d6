/**
 * What the phone gets: an app over a long distance, at a pool and through this proxy. Everything
 * runs over TLS and real sockets. Only the quiet hour is compressed.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { withChildren } from '../children/with-children.js';
import { ours, peersNamed } from '../peers/registry.js';
import { makeCertificate } from '../programs/certificate.js';
import { lacking } from '../programs/installed.js';
import { sectionOf } from './report.js';
import { sleepsAfterMs } from './radio.js';
import { http1Phone, http2Phone, offersHttp2 } from './phone.js';
import { quietHour, startAndStorm } from './scenes.js';

/** One second of this benchmark is this number of seconds of the quiet hour. */
const factor = 20;
const roundTripsMs = [60, 200];
const hourRoundTripMs = 60;
const serviceMs = 20;
/** Number of starts after which the proxy has learned how its users call. */
const warmUpRounds = 2;
/** Longest interval of checks in the programs, which are not compressed. */
const checkMs = 1000;
/** Time without a byte after which the radio sleeps in the quiet hour. */
const quietGapMs = sleepsAfterMs / factor + checkMs;
/** What is added to `listen.keepAliveTimeoutMs` before an idle connection is closed. */
const keepAliveGraceMs = 1000;
const keepAliveTimeoutMs = 75_000;

const networkFile = new URL('./network.js', import.meta.url);
const poolsFile = new URL('./pools.js', import.meta.url);

/**
 * @typedef {object} Way
 * @property {string} name
 * @property {boolean} isProxied
 * @property {typeof http1Phone} phone
 */

/** @typedef {import('./scenes.js').Line & { name: string, roundTripMs: number, isHour: boolean }} LaidLine */

/** @type {readonly Way[]} */
const allWays = [
  { name: 'HTTP/1.1, direct', isProxied: false, phone: http1Phone },
  { name: 'HTTP/1.1, proxy', isProxied: true, phone: http1Phone },
  { name: 'HTTP/2, proxy', isProxied: true, phone: http2Phone },
];

/** @type {import('../parts/registry.js').Part} */
export const phone = {
  name: 'phone',
  title: 'What the phone gets',
  plans: { usual: { rounds: 6, roundMs: 1 }, quick: { rounds: 1, roundMs: 1 } },
  async run({ plan, quick, dist, progress }) {
    const minutes = quick ? 8 : 60;
    const on = `${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.version}`;
    const about = { on, rounds: plan.rounds, serviceMs, minutes, factor };
    const reason = lacking('openssl');
    if (reason !== undefined) return sectionOf({ ...about, scenes: [] }, [`left out: ${reason}`]);
    return withChildren(async (start) => {
      const laid = await lay(start, dist);
      const [quiet, ...scenes] = await Promise.all([
        quietTime(laid.hour, minutes),
        startsAndStorms(laid.near, plan.rounds, progress),
      ]);
      const notes =
        laid.hour.length === allWays.length
          ? []
          : ['HTTP/2 is left out: this build does not offer it'];
      return sectionOf({ ...about, scenes: [...scenes.flat(), quiet] }, notes);
    });
  },
};

/**
 * Starts pools, proxies and the network. The quiet time has pools and proxies of its own.
 *
 * @param {import('../children/with-children.js').Start} start
 * @param {URL} dist
 * @returns {Promise<{ near: LaidLine[], hour: LaidLine[] }>}
 */
async function lay(start, dist) {
  const { cert, key } = makeCertificate();
  const ca = readFileSync(cert);
  const served = [false, true].flatMap((isHour) => allWays.map((way) => ({ ...way, isHour })));
  const given = { dist: dist.href, count: served.length, cert, key, serviceMs, factor };
  const pools = await start('pools', poolsFile, given);
  const stages = await Promise.all(
    served.map(async (way, pool) => {
      const poolUrl = pools.facts.urls[pool];
      const { name, isProxied, isHour } = way;
      const url = isProxied
        ? await proxyBefore(start, name, { url: poolUrl, cert, key, dist, isHour })
        : poolUrl;
      const isServed = way.phone === http1Phone || (await offersHttp2(url, ca));
      return isServed ? [{ ...way, pool, port: Number(new URL(url).port) }] : [];
    }),
  );
  const lines = stages.flat().flatMap((way) =>
    way.isHour
      ? [
          {
            ...way,
            roundTripMs: hourRoundTripMs / factor,
            gapMs: sleepsAfterMs / factor + checkMs,
          },
        ]
      : roundTripsMs.map((roundTripMs) => ({ ...way, roundTripMs, gapMs: sleepsAfterMs })),
  );
  const network = await start('network', networkFile, {
    lines: lines.map(({ port, roundTripMs, gapMs }) => ({ port, roundTripMs, gapMs })),
  });
  const laid = lines.map((line, index) => ({
    ...{ ...line, line: index, network, pools },
    switchOn: () => line.phone(network.facts.urls[index], ca),
  }));
  return {
    near: laid.filter(({ isHour }) => !isHour),
    hour: laid.filter(({ isHour }) => isHour),
  };
}

/**
 * @param {LaidLine[]} lines
 * @param {number} rounds
 * @param {(text: string) => void} progress
 * @returns {Promise<import('./report.js').Scene[]>}
 */
async function startsAndStorms(lines, rounds, progress) {
  const scenes = [];
  for (const roundTripMs of roundTripsMs) {
    const here = lines.filter((line) => line.roundTripMs === roundTripMs);
    const taken = here.map(({ name }) => ({ name, start: [], storm: [] }));
    for (let round = -warmUpRounds; round < rounds; round += 1) {
      progress(`${roundTripMs} ms away, start ${round + 1} of ${rounds}`);
      const user = `phone${roundTripMs}x${round + warmUpRounds}`;
      const all = await Promise.all(here.map((line) => startAndStorm(line, user)));
      if (round < 0) continue;
      for (const [index, one] of all.entries()) {
        taken[index]?.start.push(one.start);
        taken[index]?.storm.push(one.storm);
      }
    }
    for (const scene of /** @type {const} */ (['start', 'storm'])) {
      const ways = taken.map((way) => ({ name: way.name, rounds: way[scene] }));
      scenes.push({ scene, roundTripMs, ways });
    }
  }
  return scenes;
}

/**
 * @param {LaidLine[]} lines
 * @param {number} minutes
 * @returns {Promise<import('./report.js').Scene>}
 */
async function quietTime(lines, minutes) {
  const ways = await Promise.all(
    lines.map(async (line) => ({
      name: line.name,
      rounds: [await quietHour(line, 'quiet', { minutes, factor, asleepMs: 2 * quietGapMs })],
    })),
  );
  return { scene: 'hour', roundTripMs: hourRoundTripMs, ways };
}

/**
 * @param {import('../children/with-children.js').Start} start
 * @param {string} name
 * @param {{ url: string, cert: string, key: string, dist: URL, isHour: boolean }} options
 * @returns {Promise<string>} URL of a proxy in front of the pool
 */
async function proxyBefore(start, name, { url, cert, key, dist, isHour }) {
  const [peer] = peersNamed(ours);
  // The idle time of the app is compressed, and the fixed grace of the proxy is not.
  const idleMs = (keepAliveTimeoutMs + keepAliveGraceMs) / factor - keepAliveGraceMs;
  const { facts } = await start(name, peer.file, {
    poolUrls: [url],
    dist: dist.href,
    env: {
      // A busy machine makes calls slow, and the proxy would log them.
      UCWA_PROXY_LOG_LEVEL: 'warn',
      UCWA_PROXY_LISTEN_TLS_CERT: cert,
      UCWA_PROXY_LISTEN_TLS_KEY: key,
      UCWA_PROXY_UPSTREAM_TLS_CA: cert,
      ...(isHour && { UCWA_PROXY_LISTEN_KEEP_ALIVE_TIMEOUT_MS: String(Math.round(idleMs)) }),
    },
  });
  return facts.url.replace('http:', 'https:');
}
