/** Measures the start of the proxy, its memory at rest, and its size. */
import { fileURLToPath } from 'node:url';
import { ours } from '../peers/registry.js';
import { shown } from '../report/columns.js';
import { ratios, spread } from '../report/statistics.js';
import { oneStart } from './one-start.js';
import { sizesOf } from './sizes.js';

const root = new URL('../../../', import.meta.url);
const MiB = 1024 * 1024;

const httpProxy = `
  process.noDeprecation = true;
  const { createRequire } = require('node:module');
  const { createProxyServer } = createRequire(${JSON.stringify(fileURLToPath(root))})('http-proxy');
  const proxy = createProxyServer({ target: 'http://127.0.0.1:9' });
  const server = require('node:http').createServer((request, response) => proxy.web(request, response));
  server.listen(0, '127.0.0.1', () => console.log('ready'));`;

/** @param {URL} dist */
const programs = (dist) => [
  { name: 'node alone', args: ['-e', "setInterval(() => {}, 1e6); console.log('ready')"] },
  { name: 'http-proxy', args: ['-e', httpProxy] },
  {
    name: ours,
    args: [
      ...[fileURLToPath(new URL('main.js', dist)), 'serve', '--upstream', 'http://127.0.0.1:9'],
      ...['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    ],
  },
];

/** @typedef {{ name: string, starts: import('./one-start.js').Start[] }} Result */

/** @type {{ title: string, digits: number, of: (start: import('./one-start.js').Start) => number }[]} */
const columns = [
  { title: 'ready, ms', digits: 0, of: ({ readyMs }) => readyMs },
  { title: 'CPU until then, ms', digits: 0, of: ({ cpuMs }) => cpuMs },
  { title: 'resident, MiB', digits: 1, of: ({ residentBytes }) => residentBytes / MiB },
  { title: 'not mapped from files, MiB', digits: 1, of: ({ ownBytes }) => ownBytes / MiB },
];

/** @type {import('../parts/registry.js').Part} */
export const start = {
  name: 'start',
  title: 'A start, and a proxy at rest',
  plans: { usual: { rounds: 10, roundMs: 2000 }, quick: { rounds: 2, roundMs: 100 } },
  async run({ plan: { rounds, roundMs }, dist, progress }) {
    /** @type {(Result & { args: string[] })[]} */
    const results = programs(dist).map((program) => ({ ...program, starts: [] }));
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, args, starts } of results) {
        progress(`${name}, start ${round + 1} of ${rounds}`);
        starts.push(await oneStart(args, /^ready$|"msg":"serving"/m, roundMs));
      }
    }
    const sizes = sizesOf(root, dist);
    return {
      about: [
        `${rounds} starts of each program in turn. A program is ready when it says that it serves; node alone does ` +
          `nothing. The memory is that of the process ${roundMs / 1000} s later, without a call. ` +
          'Most of what is mapped from files is Node itself, and processes share it.',
      ],
      tables: [
        tableOf(results),
        {
          title: 'On the disk:',
          columns: ['', 'files', 'MB'],
          rows: sizes.map(({ what, files, bytes }) => [
            what,
            String(files),
            (bytes / 1e6).toFixed(1),
          ]),
        },
      ],
      charts: [
        {
          name: 'start',
          title: 'Resident at rest, MiB',
          bars: results.map(({ name, starts }) => ({
            label: name,
            ...spread(starts.map(({ residentBytes }) => residentBytes / MiB)),
          })),
        },
      ],
      notes: [],
      data: { starts: results.map(({ name, starts }) => ({ name, starts })), sizes },
    };
  },
};

/** @param {readonly Result[]} results */
function tableOf(results) {
  const plain = results.find(({ name }) => name === 'http-proxy')?.starts ?? [];
  const [ready] = columns;
  /** @param {Result} result */
  const toPlain = ({ starts }) =>
    ready === undefined || starts === plain
      ? '–'
      : shown(ratios(starts.map(ready.of), plain.map(ready.of)), 2);
  return {
    columns: ['', ...columns.map(({ title }) => title), 'ready, to http-proxy'],
    rows: results.map((one) => [
      one.name,
      ...columns.map(({ of, digits }) => shown(one.starts.map(of), digits)),
      toPlain(one),
    ]),
  };
}
