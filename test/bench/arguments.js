import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parts } from './parts/registry.js';
import { peerNamed, peerNames } from './peers/registry.js';

const most = { rounds: 100, roundMs: 60_000 };

export const usage = `usage: npm run bench -- [options]

  --quick            less than two minutes, smaller in every way; default: less than fifteen
  --only NAME        only this part, or these if given again
  --peer NAME        with only this peer, or these; a path names a file of a peer; without --only:
                     steady-reads
  --rounds N         rounds of each peer or variant
  --round-ms MS      what is measured of each round
  --docs DIR         write benchmarks.md and its plots there; default: docs, when nothing is left out
                     and nothing else is asked for; with --only, the other sections stay
  --json FILE        write all rounds there
  --cpu-prof DIR     write a CPU profile of each peer there
  --dist DIR         measure this build of the proxy; default: dist
  --help

parts: ${parts.map(({ name }) => name).join(', ')}
peers: ${peerNames.join(', ')}
`;

/**
 * @typedef {object} Arguments
 * @property {boolean} help
 * @property {readonly import('./parts/registry.js').Part[]} parts
 * @property {import('./peers/registry.js').Peer[] | undefined} peers
 * @property {boolean} quick
 * @property {(part: import('./parts/registry.js').Part) => import('./measure/measure.js').Plan} planOf
 * @property {string | undefined} docs
 * @property {string | undefined} json
 * @property {string | undefined} cpuProf
 * @property {URL} dist
 */

/**
 * @param {string[]} argv
 * @param {URL} root of the project
 * @returns {Arguments}
 * @throws {Error} if an argument is wrong
 */
export function readArguments(argv, root) {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      scenario: { type: 'string', multiple: true },
      peer: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      'round-ms': { type: 'string' },
      docs: { type: 'string' },
      json: { type: 'string' },
      'cpu-prof': { type: 'string' },
      dist: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, peer, rounds, 'round-ms': roundMs } = values;
  // Older flags, from the time when the benchmark had only one part.
  const only =
    values.only ?? values.scenario ?? (peer === undefined ? undefined : ['steady-reads']);
  const isWhole = !quick && [only, peer, rounds, roundMs].every((one) => one === undefined);
  const docs = values.docs ?? (isWhole ? fileURLToPath(new URL('docs', root)) : undefined);
  return {
    help: values.help,
    parts:
      only?.map((wanted) =>
        known(
          'part',
          wanted,
          parts.find(({ name }) => name === wanted),
        ),
      ) ?? parts,
    peers: peer?.map((name) => known('peer', name, peerNamed(name))),
    quick,
    planOf({ plans }) {
      const base = quick ? plans.quick : plans.usual;
      return {
        rounds: countOf('--rounds', rounds, base.rounds, most.rounds),
        roundMs: countOf('--round-ms', roundMs, base.roundMs, most.roundMs),
      };
    },
    docs,
    json: values.json,
    cpuProf: values['cpu-prof'],
    dist: values.dist === undefined ? new URL('dist/', root) : folderUrl(values.dist),
  };
}

/** @param {string} path */
function folderUrl(path) {
  return pathToFileURL(`${resolve(path)}/`);
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
