import type { ShadowTally } from '../core/shadow/tally.ts';

/** One set of settings, and its results. */
export interface TuneRow {
  readonly mode: 'adaptive' | 'fixed' | 'off';
  readonly lingerMaxMs: number;
  readonly maxParts: number;
  /** Whether these are the loaded settings, not a variation of them. */
  readonly isGiven: boolean;
  readonly tally: ShadowTally;
}

const head = [
  ...['mode', 'linger', 'maxParts', 'requests', 'saved'],
  ...['mean wait', 'p50 wait', 'p95 wait', 'parts'],
];

/** Formats one line for each row. The loaded settings have a mark. */
export function tableOf(rows: readonly TuneRow[]): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const cells = rows.map(({ mode, lingerMaxMs, maxParts, tally }) => [
    mode,
    mode === 'off' ? '' : `${lingerMaxMs} ms`,
    mode === 'off' ? '' : String(maxParts),
    String(tally.requests),
    `${(tally.savedShare * 100).toFixed(1)} %`,
    ms(tally.meanAddedMs),
    ms(tally.addedMs(0.5)),
    ms(tally.addedMs(0.95)),
    tally.batches === 0 ? '-' : tally.meanParts.toFixed(1),
  ]);
  const widths = head.map((name, i) =>
    Math.max(...[head, ...cells].map((row) => row[i]?.length ?? name.length)),
  );
  const line = (row: readonly string[], mark: string): string =>
    `${mark} ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}`;
  const notes = rows.flatMap(({ mode, lingerMaxMs, tally: { refusals, failures } }) =>
    refusals + failures === 0
      ? []
      : [`${mode} ${lingerMaxMs} ms: ${refusals} calls would be refused, ${failures} would fail`],
  );
  return [
    line(head, ' '),
    ...cells.map((row, i) => line(row, rows[i]?.isGiven === true ? '*' : ' ')),
    '',
    '* the loaded settings; wait: additional wait of a caller',
    ...notes,
    '',
  ].join('\n');
}
