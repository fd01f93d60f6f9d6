/** The results of a log as a table. */
import type { EstimateRow } from './estimate-row.ts';
import { bounds, ms, percent } from './recommendation.ts';

const head = ['mode', 'linger', 'maxParts', 'saved', 'requests', 'mean wait', 'p95 wait', 'parts'];

/** Formats one line for each row, from the worst to the best case. The loaded settings have a mark. */
export function estimateTable(rows: readonly EstimateRow[]): string {
  const cells = rows.map(({ mode, lingerMaxMs, maxParts, ...row }) => [
    mode,
    mode === 'off' ? '' : `${lingerMaxMs} ms`,
    mode === 'off' ? '' : String(maxParts),
    bounds(row.savedShare, percent),
    bounds(row.requests, String),
    bounds(row.waitMs.mean, ms),
    bounds(row.waitMs.p95, ms),
    row.meanParts.high === 0 ? '-' : bounds(row.meanParts, (parts) => parts.toFixed(1)),
  ]);
  const widths = head.map((_, i) =>
    Math.max(...[head, ...cells].map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[], mark: string): string =>
    `${mark} ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}`;
  return [
    line(head, ' '),
    ...cells.map((row, i) => line(row, rows[i]?.isGiven === true ? '*' : ' ')),
    '',
    '* the loaded settings; from the worst to the best case; wait: additional wait of a caller',
    '',
  ].join('\n');
}
