/** The report, as printed and as written to `docs/benchmarks.md`. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { versionOf } from '../programs/installed.js';
import { barsAsSvg } from './bars.js';
import { withSections } from './with-sections.js';

/**
 * @typedef {object} Table
 * @property {string} [title]
 * @property {string[]} columns
 * @property {string[][]} rows
 */

/**
 * @typedef {object} Picture A picture that is no bar chart, with the figures that it is drawn from.
 * @property {string} name the middle of its file names
 * @property {string} title
 * @property {string} svg
 * @property {object} recorded
 */

/**
 * @typedef {object} Section The result of a part.
 * @property {string[]} about paragraphs: the subject and the method
 * @property {Table[]} tables
 * @property {import('./bars.js').Chart[]} charts
 * @property {Picture[]} [pictures]
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
export function asMarkdown({ name, title }, { about, tables, charts, pictures = [], notes }) {
  return [
    `## ${title}`,
    ...about,
    `\`npm run bench -- --only ${name}\``,
    ...tables.flatMap((table) => [
      ...(table.title === undefined ? [] : [table.title]),
      grid(table),
    ]),
    ...[...charts, ...pictures].map((one) => `![${one.title}](${fileOf(one)})`),
    ...notes.map((note) => `Note: ${note}.`),
  ].join('\n\n');
}

/**
 * @param {string} folder
 * @param {string} head text above the sections
 * @param {ReadonlyArray<{ markdown: string, section: Section }>} sections
 * @param {readonly string[]} [order] titles of all sections. With it, the report in the folder keeps
 *   its head and its other sections.
 */
export async function writeReport(folder, head, sections, order) {
  mkdirSync(folder, { recursive: true });
  for (const { section } of sections) {
    for (const chart of section.charts) {
      writeFileSync(join(folder, fileOf(chart)), barsAsSvg(chart));
    }
    for (const { name, svg, recorded } of section.pictures ?? []) {
      writeFileSync(join(folder, fileOf({ name })), svg);
      const json = `${JSON.stringify(recorded, null, 2)}\n`;
      writeFileSync(join(folder, `benchmarks-${name}.json`), json);
    }
  }
  const file = join(folder, 'benchmarks.md');
  const markdowns = sections.map(({ markdown }) => markdown);
  const text =
    order !== undefined && existsSync(file)
      ? withSections(readFileSync(file, 'utf8'), markdowns, order)
      : [head, ...markdowns].join('\n\n');
  writeFileSync(file, await formatted(text));
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

/** @param {{ name: string }} picture */
function fileOf({ name }) {
  return `benchmarks-${name}.svg`;
}
