/**
 * The benchmark: CPU per call and upstream requests per call of this proxy beside other proxies, on
 * loopback. Three kinds of processes: a pool, the peer, a load generator that checks every answer.
 *
 * Exit codes: 0, whatever the figures; 1: an answer was wrong or a process failed; 2: usage, or
 * nothing is built.
 */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments, usage } from './arguments.js';
import { measureLatency } from './latency/latency.js';
import { measure } from './measure/measure.js';
import { ours } from './peers/registry.js';
import { asText, machine } from './report.js';

const root = new URL('../../', import.meta.url);
const built = new URL('dist/app.js', root);

for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])) {
  process.once(signal, () => process.exit(code));
}

process.exitCode = await main(process.argv.slice(2));

/**
 * @param {string[]} argv
 * @returns {Promise<number>}
 */
async function main(argv) {
  let given;
  try {
    given = readArguments(argv);
  } catch (error) {
    process.stderr.write(`${reason(error)}\n\n${usage}`);
    return 2;
  }
  if (given.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { plan, peers, scenarios, json, cpuProf } = given;
  if (peers.some(({ name }) => name === ours)) {
    if (!existsSync(built)) {
      process.stderr.write('dist/ is missing: run npm run build first\n');
      return 2;
    }
    if (newest('src') > newest('dist')) {
      process.stderr.write('warning: src/ is newer than dist/, which is measured\n');
    }
  }

  const on = machine();
  process.stdout.write(`${on}\n\n`);
  const measured = [];
  try {
    for (const scenario of scenarios) {
      const results = await measure(scenario, peers, plan, {
        peerFlags: cpuProf === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProf}`],
        progress,
      });
      progress('');
      process.stdout.write(asText(scenario, plan, results));
      measured.push({ scenario, peers: results });
    }
    if (given.latency) {
      await measureLatency({ quick: given.quick, write: (text) => process.stdout.write(text) });
    }
    if (json !== undefined) {
      const at = new Date().toISOString();
      writeFileSync(json, `${JSON.stringify({ at, machine: on, plan, measured }, null, 2)}\n`);
    }
    return 0;
  } catch (error) {
    progress('');
    process.stderr.write(`the benchmark failed: ${reason(error)}\n`);
    return 1;
  }
}

/**
 * One line that overwrites itself, where somebody watches.
 *
 * @param {string} text
 */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/**
 * @param {string} folder below the root
 * @returns {number} when its newest file was written
 */
function newest(folder) {
  const path = fileURLToPath(new URL(folder, root));
  const files = readdirSync(path, { recursive: true, withFileTypes: true });
  return Math.max(
    ...files
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs),
  );
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? error.message : String(error);
}
