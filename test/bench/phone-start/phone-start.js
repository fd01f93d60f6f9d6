/**
 * A phone starts: 20 calls over a long distance, with six connections, and with one connection of
 * HTTP/2.
 */
import { readFileSync } from 'node:fs';
import { withChildren } from '../children/with-children.js';
import { onStages } from '../measure/stages.js';
import { ours, peersNamed } from '../peers/registry.js';
import { makeCertificate } from '../programs/certificate.js';
import { lacking } from '../programs/installed.js';
import { shown } from '../report/columns.js';
import { spread } from '../report/statistics.js';
import { userAt } from '../workload.js';
import { callsAtOnce, http1Phone, http2Phone } from './phones.js';

const roundTripMs = 60;
const serviceMs = 20;
const calls = 20;
const http1Connections = 6;
/** Number of starts after which the proxy has learned how its users call. */
const warmUpStarts = 3;

const relayFile = new URL('./relay.js', import.meta.url);
const ingressFile = new URL('./ingress.js', import.meta.url);

/**
 * @typedef {object} Start
 * @property {number} ms from the first byte sent to the last answer
 * @property {number} holdMs the longest hold
 * @property {number} requests at the pool
 * @property {number} connections opened at the pool since the phone was switched on
 */

/**
 * @typedef {object} Way
 * @property {string} name
 * @property {() => import('./phones.js').Phone} phone
 * @property {Start[]} starts
 */

/** @type {import('../parts/registry.js').Part} */
export const phoneStart = {
  name: 'phone-start',
  title: 'A phone starts',
  plans: { usual: { rounds: 20, roundMs: 1 }, quick: { rounds: 4, roundMs: 1 } },
  async run({ peers, plan, dist, progress }) {
    const [peer = peersNamed(ours)[0]] = peers ?? peersNamed(ours);
    const [direct] = peersNamed('direct');
    const reason = lacking('nginx', 'openssl');
    const scenario = {
      connections: 0,
      users: (plan.rounds + warmUpStarts) * 5,
      serviceMs,
      env: { UCWA_PROXY_LISTEN_H2C: 'true' },
    };
    const entrants = [direct, peer, direct, peer].map((one) => ({
      name: one.name,
      peer: one,
      scenario,
    }));
    const ways = await onStages(entrants, { dist }, (stages) =>
      withChildren(async (start) => {
        const [{ pool }] = stages;
        const [near, proxied, behind, both] = stages.map((stage) => stage.peer.facts.url);
        /** @param {string} url */
        const relayed = async (url) => {
          const port = Number(new URL(url).port);
          return (await start('relay', relayFile, { port, roundTripMs })).facts.url;
        };
        /** @param {string} url */
        const http1Way = async (url) => {
          const far = await relayed(url);
          return () => http1Phone(far, http1Connections);
        };
        /** @type {Way[]} */
        const ways = [
          { name: 'six HTTP/1.1, direct', phone: await http1Way(near), starts: [] },
          { name: 'six HTTP/1.1, proxy', phone: await http1Way(proxied), starts: [] },
        ];
        // The proxy serves no HTTP/2 under Node 20.
        if (peer.name === ours && !process.version.startsWith('v20.')) {
          const far = await relayed(proxied);
          ways.push({ name: 'HTTP/2 to the proxy', phone: () => http2Phone(far), starts: [] });
        }
        if (reason === undefined) {
          const certificate = makeCertificate();
          /** @param {string} url */
          const http2Way = async (url) => {
            const options = { poolUrls: [url], ...certificate };
            const ingress = await start('ingress', ingressFile, options);
            const far = (await relayed(ingress.facts.url)).replace('http:', 'https:');
            return () => http2Phone(far, readFileSync(certificate.cert));
          };
          ways.push(
            { name: 'HTTP/2 to nginx, direct', phone: await http2Way(behind), starts: [] },
            { name: 'HTTP/2 to nginx, proxy', phone: await http2Way(both), starts: [] },
          );
        }
        let user = 0;
        for (let round = -warmUpStarts; round < plan.rounds; round += 1) {
          for (const { name, phone, starts } of ways) {
            progress(`start ${round + 1} of ${plan.rounds}: ${name}`);
            const one = await startOnce(phone, userAt(user), pool);
            user += 1;
            if (round >= 0) starts.push(one);
          }
        }
        return ways;
      }),
    );
    return sectionOf(ways, plan, reason);
  },
};

/**
 * @param {() => import('./phones.js').Phone} switchOn
 * @param {import('../workload.js').User} user
 * @param {import('../children/child.js').Child} pool
 * @returns {Promise<Start>}
 */
async function startOnce(switchOn, user, pool) {
  const off = await pool.ask('mark');
  const phone = switchOn();
  try {
    await callsAtOnce(phone, user, phone.warmCalls, 0);
    const before = await pool.ask('mark');
    const { ms, holdsMs } = await callsAtOnce(phone, user, calls, phone.warmCalls);
    const after = await pool.ask('mark');
    return {
      ms,
      holdMs: Math.max(0, ...holdsMs),
      requests: after.requests - before.requests,
      connections: after.connections - off.connections,
    };
  } finally {
    phone.close();
  }
}

/**
 * @param {readonly Way[]} ways
 * @param {import('../measure/measure.js').Plan} plan
 * @param {string | undefined} reason why HTTP/2 is left out
 * @returns {import('../report/markdown.js').Section}
 */
function sectionOf(ways, plan, reason) {
  /** @param {(start: Start, way: Way) => number} of @param {number} digits */
  const each = (of, digits) => (/** @type {Way} */ way) =>
    shown(
      way.starts.map((start) => of(start, way)),
      digits,
    );
  const columns = [
    { title: 'ms', cell: each(({ ms }) => ms, 0) },
    { title: 'round trips', cell: each(({ ms }) => ms / roundTripMs, 2) },
    { title: 'longest hold, ms', cell: each(({ holdMs }) => holdMs, 1) },
    {
      title: 'round trips, without hold and one answer of the pool',
      cell: each(({ ms, holdMs }) => (ms - holdMs - serviceMs) / roundTripMs, 2),
    },
    { title: 'requests at the pool', cell: each(({ requests }) => requests, 0) },
    { title: 'new connections at the pool', cell: each(({ connections }) => connections, 0) },
  ];
  return {
    about: [
      `${calls} calls at once of a phone that is switched on, ${roundTripMs} ms of round trip away; ` +
        `the pool takes ${serviceMs} ms for a call, and for a batch. Its connections are open when ` +
        `the clock starts. ${plan.rounds} starts each, in turn, each of another user; every answer ` +
        'is checked. With six connections the calls queue up at the phone, and the proxy cannot ' +
        'help that; what is gained is the warm connections behind it. Behind an ingress that ' +
        'speaks HTTP/2 all calls arrive at once.',
    ],
    tables: [
      {
        columns: ['', ...columns.map(({ title }) => title)],
        rows: ways.map((way) => [way.name, ...columns.map(({ cell }) => cell(way))]),
      },
    ],
    charts: [
      {
        name: 'phone-start',
        title: `${calls} calls over ${roundTripMs} ms of round trip, ms`,
        bars: ways.map(({ name, starts }) => ({
          label: name,
          ...spread(starts.map(({ ms }) => ms)),
        })),
      },
    ],
    notes: reason === undefined ? [] : [`HTTP/2 is left out: ${reason}`],
    data: { ways },
  };
}
