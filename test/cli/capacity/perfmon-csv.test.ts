import { expect, test } from '@jest/globals';
import { coresIn, loadFigures } from '../../../src/cli/capacity/load-figures.ts';
import { type CounterSamples, readPerfmon } from '../../../src/cli/capacity/perfmon-csv.ts';

const head = [
  '(PDH-CSV 4.0) (W. Europe Standard Time)(-60)',
  '\\\\FE1\\LS:WEB - Throttling and Authentication(_Total)\\WEB - Total Requests in Processing',
  '\\\\FE1\\Process(w3wp#1)\\% Processor Time',
  '\\\\FE1\\ASP.NET v4.0.30319\\Requests Queued',
];

function csv(rows: ReadonlyArray<readonly string[]>, separator = ','): string {
  return [head, ...rows].map((row) => row.map((cell) => `"${cell}"`).join(separator)).join('\r\n');
}

function countersOf(text: string): readonly CounterSamples[] {
  const read = readPerfmon('before.csv', text);
  if (!read.ok) throw new Error(read.problem);
  return read.counters;
}

test('counters are read with their computer, object and instance', () => {
  const counters = countersOf(csv([['11/30/2026 09:00:00.123', '812', '31.5', '0']]));
  expect(counters).toEqual([
    {
      computer: 'fe1',
      object: 'LS:WEB - Throttling and Authentication',
      instance: '_Total',
      counter: 'WEB - Total Requests in Processing',
      values: [812],
    },
    {
      ...{ computer: 'fe1', object: 'Process', instance: 'w3wp#1' },
      ...{ counter: '% Processor Time', values: [31.5] },
    },
    {
      ...{ computer: 'fe1', object: 'ASP.NET v4.0.30319', instance: '' },
      ...{ counter: 'Requests Queued', values: [0] },
    },
  ]);
});

test.each([
  ['31.5', 31.5],
  ['31,5', 31.5],
  ['1.031,5', 1031.5],
  ['1,031.5', 1031.5],
  ['1\u00A0031,5', 1031.5],
  ['3,15E+01', 31.5],
  ['1e3', 1000],
])('a number is read as the locale of the server writes it: %s', (text, value) => {
  expect(countersOf(csv([['t', '1', text, '0']]))[1]!.values).toEqual([value]);
});

test('missing samples, the first row of rates, and text of typeperf at the end are left out', () => {
  const text = `${csv([
    ['t', '1', ' ', '0'],
    ['t', '2', '7', '0'],
  ])}\r\n\r\nThe command completed successfully.\r\n`;
  expect(countersOf(`\uFEFF${text}`).map(({ values }) => values)).toEqual([[1, 2], [7], [0, 0]]);
});

test('fields may be separated by semicolons or tabs, and may hold quotes and separators', () => {
  for (const separator of [';', '\t']) {
    expect(countersOf(csv([['t', '1', '31,5', '0']], separator))[1]!.values).toEqual([31.5]);
  }
  const odd = '"(PDH-CSV 4.0)","\\\\FE1\\Web ""A"", B(x)\\Count"\n"t","4"\n';
  expect(countersOf(odd)[0]).toMatchObject({ object: 'Web "A", B', values: [4] });
});

test.each([
  ['', 'before.csv:1: expected the header of a PerfMon CSV file'],
  ['a,b\n1,2\n', 'before.csv:1: expected the header of a PerfMon CSV file'],
  ['"time","value"\n"1","2"\n', 'before.csv:1: expected the header of a PerfMon CSV file'],
  [csv([]), 'before.csv: expected samples, found none'],
])('a file without samples of counters is reported: %#', (text, problem) => {
  expect(readPerfmon('before.csv', text)).toEqual({
    ok: false,
    problem: expect.stringContaining(problem),
  });
});

const samples = (object: string, instance: string, counter: string, ...values: number[]) => ({
  ...{ computer: 'fe1', object, instance, counter, values },
});
const any = { process: undefined, cores: undefined };

test('the busiest server counts: quantiles of queues, means of the CPU, growth of throttling', () => {
  const inProcessing = (computer: string, ...values: number[]): CounterSamples => ({
    ...samples('LS:WEB - Throttling and Authentication', '', 'WEB - Total Requests in Processing'),
    ...{ computer, values },
  });
  const { figures, problem } = loadFigures(
    [
      inProcessing('fe1', ...Array.from({ length: 100 }, (_, i) => i + 1)),
      inProcessing('fe2', 5),
      samples('Process', 'w3wp', '% Processor Time', 40, 80),
      samples('Processor', '0', '% Processor Time', 9),
      samples('Processor', '1', '% Processor Time', 9),
      samples('Processor', '_Total', '% Processor Time', 9),
      samples('ASP.NET', '', 'Anforderungen in Warteschlange', 0, 3),
      samples('LS:WEB - UCWA', '', 'UCWA - Total Throttled Applications', 7, 9, 1),
      samples('LS:WEB - UCWA', '', 'UCWA - Requests Received/Second', 10, 20),
      samples('LS:WEB - UCWA', '', 'UCWA - Active Pending Get Count', 100, 200),
    ],
    any,
  );
  expect(problem).toBeUndefined();
  expect(figures).toEqual({
    ...{ processing: 95, cpuPercent: 30, queued: 3, throttled: 3, perSecond: 15, polls: 150 },
  });
});

test('the worker process of UCWA must be named if there are several', () => {
  const workers = ['w3wp', 'w3wp#1'].map((name, i) =>
    samples('Prozess', name, 'Prozessorzeit (%)', 20 + i),
  );
  expect(loadFigures(workers, any).problem).toMatch(/found 2: name that of UCWA with --process/);
  const named = loadFigures(workers, { process: 'W3WP#1', cores: 3 });
  expect(named).toMatchObject({ problem: undefined, figures: { cpuPercent: 7 } });
  expect(loadFigures(workers, { process: 'w3wp#9', cores: 1 }).problem).toMatch(/^--process: /);
  expect(coresIn(workers)).toBeUndefined();
});
