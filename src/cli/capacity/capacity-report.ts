import type { Range } from '../estimate/estimate-row.ts';
import { bounds, grouped } from '../estimate/recommendation.ts';
import { type LoadFigures, limits } from './load-figures.ts';
import type { PredictedFigures } from './prediction.ts';

/** The load before the proxy, predicted, and measured with the proxy. */
export interface Capacity {
  /** Users of the front end; `undefined` if they are unknown. */
  readonly users: number | undefined;
  readonly before: LoadFigures & { readonly furtherUsers: number | undefined };
  readonly predicted: (PredictedFigures & { readonly furtherUsers: Range | undefined }) | undefined;
  readonly measured: (LoadFigures & { readonly furtherUsers: number | undefined }) | undefined;
}

const whole = (value: number): string => grouped(Math.round(value));
const percent = (value: number): string => `${value.toFixed(1)} %`;
const decimal = (value: number): string => value.toFixed(1);

/** Formats the result as a table, with the assumptions below it. */
export function capacityReport(
  { users, before, predicted, measured }: Capacity,
  assumptions: readonly string[],
): string {
  type Figure = Exclude<keyof Capacity['before'], 'furtherUsers'>;
  const row = (
    name: string,
    figure: Figure,
    format: (value: number) => string,
    limit: string,
  ): string[] => {
    const cell = (value: number | undefined): string => (value === undefined ? '-' : format(value));
    const range =
      figure === 'processing' || figure === 'cpuPercent' ? predicted?.[figure] : undefined;
    return [
      name,
      cell(before[figure]),
      range === undefined ? '-' : bounds(range, format),
      cell(measured?.[figure]),
      limit,
    ];
  };
  const more = (count: number | undefined): string => (count === undefined ? '-' : whole(count));
  const range = predicted?.furtherUsers;
  const rows = [
    ['', 'before', 'predicted', 'measured', 'limit'],
    row('Total Requests in Processing, p95', 'processing', whole, grouped(limits.processing)),
    row('UCWA CPU, mean', 'cpuPercent', percent, `${limits.cpuPercent} %`),
    row('Requests Queued, p95', 'queued', whole, String(limits.queued)),
    row('Total Throttled Applications, growth', 'throttled', whole, String(limits.throttled)),
    row('UCWA requests a second, mean', 'perSecond', decimal, ''),
    row('Active Pending Get Count, mean', 'polls', whole, ''),
    [
      'further users',
      more(before.furtherUsers),
      range === undefined ? '-' : bounds(range, whole),
      more(measured?.furtherUsers),
      '',
    ],
  ];
  const widths = [0, 1, 2, 3, 4].map((i) =>
    Math.max(...rows.map((cells) => cells[i]?.length ?? 0)),
  );
  const lines = rows.map((cells) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const hints = [
    ...(users === undefined ? ['--users or --log gives the number of users.'] : []),
    ...(predicted === undefined ? ['--log gives the prediction.'] : []),
  ];
  return [
    ...lines,
    '',
    ...(users === undefined ? [] : [`Users now: ${grouped(users)}.`]),
    ...hints,
    'Assumptions:',
    ...assumptions.map((assumption) => `- ${assumption}`),
    '',
  ].join('\n');
}
