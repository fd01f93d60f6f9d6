/** The report, as printed and as written to `docs/benchmarks.md`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { versionOf } from '../programs/installed.js';
import { barsAsSvg } from './bars.js';

/**
 * @typedef {object} Table
 * @property {string} [title]
 * @property {string[]} columns
 * @property {string[][]} rows
 */

/**
 * @typedef {object} Section The result of a part.
 * @property {string[]} about paragraphs: the subject and the method
 * @property {Table[]} tables
 * @property {import('./bars.js').Chart[]} charts
 * @property {string[]} notes caveats, and what was left out
 * @property {object} data all data, machine-readable
 */

/** @returns {string} description of the machine */
export function machine() {
  const [cpu] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  const memory = (totalmem() / 1024 ** 3).toFixed(0);
  return (
    `${availableParallelism()} x ${cpu?.model.trim() ?? 'unknown'}, ${memory} GiB, ` +
    `Linux ${release()}, load average ${load} at the start`
  );
}

/** @returns {string} versions of the installed programs */
export function versions() {
  const natives = ['nginx', 'haproxy'].map((name) => versionOf(name) ?? `no ${name}`);
  return [`Node ${process.version}`, ...natives].join('; ');
}

/**
 * @param {{ name: string, title: string }} part
 * @param {Section} section
 * @returns {string} markdown
 */
export function asMarkdown({ name, title }, { about, tables, charts, notes }) {
  return [
    `## ${title}`,
    ...about,
    `\`npm run bench -- --only ${name}\``,
    ...tables.flatMap((table) => [
      ...(table.title === undefined ? [] : [table.title]),
      grid(table),
    ]),
    ...charts.map((chart) => `![${chart.title}](${fileOf(chart)})`),
    ...notes.map((note) => `Note: ${note}.`),
  ].join('\n\n');
}

/**
 * @param {string} folder
 * @param {string} head text above the sections
 * @param {ReadonlyArray<{ markdown: string, section: Section }>} sections
 */
export async function writeReport(folder, head, sections) {
  mkdirSync(folder, { recursive: true });
  for (const { section } of sections) {
    for (const chart of section.charts) {
      writeFileSync(join(folder, fileOf(chart)), barsAsSvg(chart));
    }
  }
  const text = [head, ...sections.map(({ markdown }) => markdown)].join('\n\n');
  writeFileSync(join(folder, 'benchmarks.md'), await formatted(text));
}

/**
 * @param {string} markdown
 * @returns {Promise<string>} formatted by prettier, if it is installed
 */
export async function formatted(markdown) {
  try {
    const { format } = await import('prettier');
    return await format(markdown, { parser: 'markdown', printWidth: 100 });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ERR_MODULE_NOT_FOUND')
      return markdown;
    throw error;
  }
}

/** @param {Table} table */
function grid({ columns, rows }) {
  const lines = [columns, columns.map((_, index) => (index === 0 ? '---' : '---:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** @param {import('./bars.js').Chart} chart */
function fileOf({ name }) {
  return `benchmarks-${name}.svg`;
}
