/** Numbers of docs/benchmarks.md, for the README. */
import { textOf } from './markdown.ts';

/** Returns a cell of the table below this heading, without the range after the number. */
type Cell = (heading: string, row: string, column: string) => string;

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** Returns a reader of the page's cells. The reader throws if a cell does not exist. */
export function readBenchmarks(page: string): Cell {
  return (heading, row, column) => {
    const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
    for (const table of section.matchAll(/(?:^\|.*\n)+/gm)) {
      const [head = [], , ...rows] = table[0].trimEnd().split('\n').map(cellsOf);
      const at = head.indexOf(column);
      const value = rows.find(([name]) => name === row)?.[at];
      if (at !== -1 && value !== undefined) return value.replace(/ \(.*\)$/, '');
    }
    throw new Error(`docs/benchmarks.md: no cell "${row}", "${column}" under "${heading}"`);
  };
}

/** The rows of the README's table. */
export function measuredRows(): string[] {
  const cell = readBenchmarks(textOf('docs/benchmarks.md'));
  const link = (text: string, anchor: string): string => `[${text}](docs/benchmarks.md#${anchor})`;

  const paying = 'What callers pay, and what the pool saves';
  const burst = (column: string): string => cell(paying, 'app-start bursts, 40 ms routes', column);
  const phone = (row: string, column: string): string => cell('A phone starts', row, column);
  const beside = (row: string, column: string): string => cell('Beside other proxies', row, column);
  const direct = 'six HTTP/1.1, direct';
  const proxied = 'six HTTP/1.1, proxy';
  const own = 'CPU, µs a call';
  const pool = 'CPU of the pool, µs a call';
  return [
    '| situation | the pool | the callers, or the proxy |',
    '| --- | --- | --- |',
    [
      `| ${link('Many devices start at once', 'what-callers-pay-and-what-the-pool-saves')}`,
      `gets ${burst('saved')} fewer requests`,
      `wait ${burst('+p50')} ms longer; the median is ${burst('p50 direct, ms')} ms without the proxy |`,
    ].join(' | '),
    [
      `| ${link('A phone starts with 20 calls', 'a-phone-starts')}`,
      `gets ${phone(proxied, 'requests at the pool')} requests, not ${phone(direct, 'requests at the pool')}`,
      `wait ${phone(proxied, 'ms')} ms, not ${phone(direct, 'ms')} ms, for all answers |`,
    ].join(' | '),
    [
      `| ${link('Full load, batches of ten', 'beside-other-proxies')}`,
      `takes ${beside('ucwa-batch-proxy', pool)} µs of CPU a call, ${beside('nginx', pool)} µs behind nginx`,
      `the proxy takes ${beside('ucwa-batch-proxy', own)} µs of CPU a call, nginx ${beside('nginx', own)} µs |`,
    ].join(' | '),
  ];
}
