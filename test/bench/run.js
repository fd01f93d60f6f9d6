/**
 * The benchmark on loopback: cost and savings of this proxy next to other proxies, as load grows,
 * in memory, on two cores and for a phone. Pool, proxies and load run in their own processes. The
 * load checks every answer.
 *
 * Exit codes: 0: the benchmark ran, whatever the figures; 1: an answer was wrong or a process
 * failed; 2: a usage error, or no build.
 */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments, usage } from './arguments.js';
import { measure } from './measure/measure.js';
import { parts as allParts } from './parts/registry.js';
import { ours } from './peers/registry.js';
import { asMarkdown, formatted, machine, versions, writeReport } from './report/markdown.js';

const root = new URL('../../', import.meta.url);

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
    given = readArguments(argv, root);
    for (const part of given.parts) given.planOf(part);
  } catch (error) {
    process.stderr.write(`${reason(error)}\n\n${usage}`);
    return 2;
  }
  if (given.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { dist, peers } = given;
  if (peers === undefined || peers.some(({ name }) => name === ours)) {
    if (!existsSync(new URL('app/app.js', dist))) {
      process.stderr.write(`${fileURLToPath(dist)} has no build: run npm run build first\n`);
      return 2;
    }
    if (newest(new URL('src', root)) > newest(dist)) {
      process.stderr.write('warning: src/ is newer than the build, which is measured\n');
    }
  }
  try {
    await report(given);
    return 0;
  } catch (error) {
    progress('');
    process.stderr.write(`the benchmark failed: ${reason(error)}\n`);
    return 1;
  }
}

/** @param {import('./arguments.js').Arguments} given */
async function report({ parts, peers, quick, planOf, dist, docs, json, cpuProf }) {
  const peerFlags = cpuProf === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProf}`];
  const at = new Date().toISOString();
  const on = machine();
  const head =
    '# Benchmarks\n\nWritten by `npm run bench`, all in one run on one machine, over loopback.\n\n' +
    `- When: ${at.slice(0, 10)}\n- Machine: ${on}\n- Versions: ${versions()}`;
  process.stdout.write(`${head}\n\n`);
  const order = parts.length < allParts.length ? allParts.map(({ title }) => title) : undefined;
  const sections = [];
  const startedAtMs = performance.now();
  /** @param {number} sinceMs */
  const seconds = (sinceMs) => Math.round((performance.now() - sinceMs) / 1000);
  for (const part of parts) {
    const partAtMs = performance.now();
    const section = await part.run({
      quick,
      plan: planOf(part),
      peers,
      measure: (entrants, plan) => measure(entrants, plan, { peerFlags, dist, progress }),
      dist,
      progress,
    });
    progress('');
    const alone = `Measured on its own on ${at.slice(0, 10)}: ${on}; ${versions()}.`;
    const about = order === undefined ? section.about : [...section.about, alone];
    const markdown = asMarkdown(part, { ...section, about });
    const took = `(${part.name} took ${seconds(partAtMs)} s)`;
    process.stdout.write(`${await formatted(markdown)}\n${took}\n\n`);
    sections.push({ name: part.name, section, markdown });
  }
  const took = `- Took: ${seconds(startedAtMs)} s`;
  process.stdout.write(`${took}\n`);
  if (docs !== undefined) await writeReport(docs, `${head}\n${took}`, sections, order);
  if (json !== undefined) {
    const measured = sections.map(({ name, section }) => ({ name, ...section.data }));
    writeFileSync(json, `${JSON.stringify({ at, machine: on, measured }, null, 2)}\n`);
  }
}

/**
 * Writes one line that overwrites itself, if stderr is a terminal.
 *
 * @param {string} text
 */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/**
 * @param {URL} folder
 * @returns {number} modification time of its newest file
 */
function newest(folder) {
  const files = readdirSync(fileURLToPath(folder), { recursive: true, withFileTypes: true });
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
