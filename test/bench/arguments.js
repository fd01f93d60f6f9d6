import { parseArgs } from 'node:util';
import { allPeers, peerNamed } from './peers/registry.js';
import { scenarios } from './scenarios/registry.js';

/** About two minutes with two peers and one scenario: many short rounds pair better than few long. */
const usually = { rounds: 24, roundMs: 1600 };
/** Under half a minute. */
const quickly = { rounds: 8, roundMs: 900 };

const most = { rounds: 100, roundMs: 60_000 };

export const usage = `usage: npm run bench -- [options]

  --quick            less than half a minute; default: about two minutes
  --peer NAME        only this peer, or these if given again; a path names a file of a peer
  --scenario NAME    only this scenario, or these
  --rounds N         rounds of each peer
  --round-ms MS      what is measured of each round
  --json FILE        write all rounds there
  --cpu-prof DIR     write a CPU profile of each peer there
  --help

peers: ${allPeers()
  .map(({ name }) => name)
  .join(', ')}
scenarios: ${scenarios.map(({ name }) => name).join(', ')}
`;

/**
 * @typedef {object} Arguments
 * @property {boolean} help
 * @property {import('./measure/measure.js').Plan} plan
 * @property {import('./peers/registry.js').Peer[]} peers
 * @property {import('./scenarios/registry.js').Scenario[]} scenarios
 * @property {boolean} latency whether nothing was chosen, so that latency is measured too
 * @property {boolean} quick
 * @property {string | undefined} json
 * @property {string | undefined} cpuProf
 */

/**
 * @param {string[]} argv
 * @returns {Arguments}
 * @throws {Error} when there is something wrong with them
 */
export function readArguments(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      peer: { type: 'string', multiple: true },
      scenario: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      'round-ms': { type: 'string' },
      json: { type: 'string' },
      'cpu-prof': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const base = values.quick ? quickly : usually;
  return {
    help: values.help,
    latency: values.peer === undefined && values.scenario === undefined,
    quick: values.quick,
    plan: {
      rounds: countOf('--rounds', values.rounds, base.rounds, most.rounds),
      roundMs: countOf('--round-ms', values['round-ms'], base.roundMs, most.roundMs),
    },
    peers: values.peer?.map((name) => known('peer', name, peerNamed(name))) ?? [...allPeers()],
    scenarios: values.scenario?.map((name) =>
      known(
        'scenario',
        name,
        scenarios.find((one) => one.name === name),
      ),
    ) ?? [...scenarios],
    json: values.json,
    cpuProf: values['cpu-prof'],
  };
}

/**
 * @param {string} flag
 * @param {string | undefined} text
 * @param {number} otherwise
 * @param {number} max
 */
function countOf(flag, text, otherwise, max) {
  if (text === undefined) return otherwise;
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > max) throw new Error(`${flag}: expected 1 to ${max}, found ${text}`);
  return count;
}

/**
 * @template T
 * @param {string} what
 * @param {string} name
 * @param {T | undefined} found
 * @returns {T}
 */
function known(what, name, found) {
  if (found === undefined) throw new Error(`no ${what} is named ${name}`);
  return found;
}
