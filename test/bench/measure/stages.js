/** The processes of an entrant: a pool, a load generator, and a program in between. */
import { withChildren } from '../children/with-children.js';
import { usualBodyBytes } from '../workload.js';

const poolFile = new URL('../pool/pool.js', import.meta.url);
const loadFile = new URL('../load/load.js', import.meta.url);

/**
 * @typedef {object} Scenario
 * @property {number} connections of clients, keep-alive
 * @property {number} users each with one credential and one application
 * @property {number} [atOnce] connections of a group, which call for one user at once and take the
 *   next user when all calls have answers; by default 1: each connection is independent
 * @property {number} [serviceMs] time that the pool takes for a call and for a batch; by default 0
 * @property {number} [bodyBytes] length of each answer's body
 * @property {number} [streams] how many of the connections are streams of one connection of HTTP/2; by
 *   default 0: HTTP/1.1
 * @property {boolean} [visitAll] whether each user calls once before the measurement
 * @property {number} [doors] addresses of the pool, one for each proxy
 * @property {Record<string, string>} [env] settings
 */

/**
 * @typedef {object} Entrant
 * @property {string} name
 * @property {import('../peers/registry.js').Peer} peer
 * @property {Scenario} scenario
 */

/**
 * @typedef {object} Stage
 * @property {import('../children/child.js').Child} peer
 * @property {import('../children/child.js').Child} pool
 * @property {import('../children/child.js').Child} load
 * @property {Required<Scenario>} scenario
 */

/**
 * @typedef {object} Surroundings
 * @property {readonly string[]} [peerFlags] flags of Node for the peers' processes
 * @property {URL} dist the build of this proxy
 */

/**
 * Settings for full load. On a fully loaded machine each call may take a second, and the proxy
 * would log it. All clients share one address. The allowance of an address is that of one user
 * until the pool answers.
 */
export const quietLog = {
  UCWA_PROXY_LOG_LEVEL: 'warn',
  UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS_PER_USER: '10000',
};

/** @type {Omit<Required<Scenario>, 'connections' | 'users'>} */
const usual = {
  atOnce: 1,
  serviceMs: 0,
  bodyBytes: usualBodyBytes,
  streams: 0,
  visitAll: false,
  doors: 1,
  env: {},
};

/**
 * Starts the stages of the entrants. Entrants with equal pools share one pool, unless it has
 * several doors.
 *
 * @template T
 * @param {readonly Entrant[]} entrants
 * @param {Surroundings} surroundings
 * @param {(stages: Stage[]) => Promise<T>} work
 * @returns {Promise<T>}
 */
export function onStages(entrants, { peerFlags = [], dist }, work) {
  return withChildren(async (start) => {
    /** @type {Map<string, Promise<import('../children/child.js').Child>>} */
    const pools = new Map();
    const load = await start('load generator', loadFile, {});
    const stages = await Promise.all(
      entrants.map(async ({ name, peer, scenario: given }) => {
        const scenario = { ...usual, ...given };
        const { users, serviceMs, bodyBytes, doors, env } = scenario;
        const wanted = { users, serviceMs, bodyBytes, doors };
        const key = JSON.stringify([wanted, doors > 1 ? name : '']);
        const starting = pools.get(key) ?? start('pool', poolFile, wanted);
        pools.set(key, starting);
        const pool = await starting;
        const options = { poolUrls: pool.facts.urls, env, dist: dist.href, ...peer.options };
        return { peer: await start(name, peer.file, options, peerFlags), pool, load, scenario };
      }),
    );
    return work(stages);
  });
}
