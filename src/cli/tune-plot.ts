/** Plot of the saved requests over the mean additional wait, as text and as SVG. */
import type { EstimateRow } from './estimate/estimate-row.ts';
import type { Variant } from './estimate/variants.ts';
import type { TuneRow } from './tune-table.ts';

const columns = 60;
const lines = 15;
const letters = { adaptive: 'a', fixed: 'f', off: 'o' } as const;

/** The results of one set of settings: one exact result, or the worst and the best case. */
export interface PlotRow extends Variant {
  readonly ends: ReadonlyArray<{ readonly waitMs: number; readonly savedShare: number }>;
}

interface Point {
  /** 0 to 1, as a share of the longest wait. */
  readonly x: number;
  /** 0 to 1: the share of requests saved. */
  readonly y: number;
  readonly row: Variant;
  /** Whether this is the best of two cases. */
  readonly isBest: boolean;
}

/** Returns an exact result for the plot. */
export function onPlot({ tally, ...variant }: TuneRow): PlotRow {
  return { ...variant, ends: [{ waitMs: tally.meanAddedMs, savedShare: tally.savedShare }] };
}

/** Returns the worst and the best case for the plot. */
export function rangeOnPlot({ savedShare, waitMs, ...variant }: EstimateRow): PlotRow {
  const worst = { waitMs: waitMs.mean.low, savedShare: savedShare.low };
  return { ...variant, ends: [worst, { waitMs: waitMs.mean.high, savedShare: savedShare.high }] };
}

export function plotOf(rows: readonly PlotRow[]): { readonly text: string; readonly svg: string } {
  const ends = rows.flatMap((row) => row.ends.map((end, index) => ({ ...end, row, index })));
  const most = Math.max(1, ...ends.map(({ waitMs }) => waitMs));
  const points = ends.map(({ waitMs, savedShare, row, index }) => ({
    x: Math.max(0, waitMs) / most,
    y: Math.max(0, savedShare),
    row,
    isBest: index === 1,
  }));
  const isRange = rows.some((row) => row.ends.length === 2);
  return { text: textOf(points, most, isRange), svg: svgOf(points, most) };
}

function letterOf({ row: { mode, isGiven }, isBest }: Point): string {
  if (isGiven) return '*';
  return isBest ? letters[mode].toUpperCase() : letters[mode];
}

function textOf(points: readonly Point[], most: number, isRange: boolean): string {
  const grid = Array.from({ length: lines + 1 }, () => new Array<string>(columns + 1).fill(' '));
  for (const point of [...points].sort((a, b) => +a.row.isGiven - +b.row.isGiven)) {
    const line = grid[lines - Math.round(point.y * lines)];
    if (line !== undefined) line[Math.round(point.x * columns)] = letterOf(point);
  }
  const labels = new Map([
    [0, '100 %'],
    [Math.round(lines / 2), 'saved'],
    [lines, '0 %'],
  ]);
  const drawn = grid.map(
    (row, i) => `${(labels.get(i) ?? '').padStart(6)} |${row.join('').trimEnd()}`,
  );
  const end = `${most.toFixed(1)} ms`;
  return [
    ...drawn,
    `       +${'-'.repeat(columns)}`,
    `        0${'additional wait, mean'.padStart(40)}${end.padStart(columns - 41)}`,
    '',
    'a adaptive, f fixed, o off, * the loaded settings',
    ...(isRange ? ['capital letters and the upper *: best case; the others: worst case'] : []),
  ].join('\n');
}

const size = { width: 640, height: 400, margin: 60 };
const colours = { adaptive: '#1f6feb', fixed: '#bf5700', off: '#57606a' } as const;

function svgOf(points: readonly Point[], most: number): string {
  const { width, height, margin } = size;
  const atX = (x: number): string => (margin + x * (width - 2 * margin)).toFixed(1);
  const atY = (y: number): string => (height - margin - y * (height - 2 * margin)).toFixed(1);
  const text = (x: string, y: string, words: string, more = ''): string =>
    `<text x="${x}" y="${y}"${more}>${words}</text>`;
  const curve = (mode: 'adaptive' | 'fixed', best: boolean): string => {
    const on = points
      .filter(({ row }) => row.mode === mode && row.maxParts === points[0]?.row.maxParts)
      .filter(({ isBest }) => isBest === best)
      .map(({ x, y }) => `${atX(x)},${atY(y)}`);
    if (on.length === 0) return '';
    return `<polyline points="${on.join(' ')}" fill="none" stroke="${colours[mode]}"/>`;
  };
  const dots = points.map(({ x, y, row, isBest }) => {
    const { mode, lingerMaxMs, maxParts, isGiven } = row;
    const title = `${mode} ${lingerMaxMs} ms, ${maxParts} parts${isBest ? ', best case' : ''}`;
    return (
      `<circle cx="${atX(x)}" cy="${atY(y)}" r="${isGiven ? 7 : 4}" fill="${colours[mode]}">` +
      `<title>${title}</title></circle>`
    );
  });
  const grid = [0.25, 0.5, 0.75, 1]
    .map((at) => `M${atX(0)},${atY(at)} H${atX(1)} M${atX(at)},${atY(0)} V${atY(1)}`)
    .join(' ');
  // The points of mode adaptive are close together, so only the loaded settings have a label there.
  const lingers = points
    .filter(
      ({ row: { mode, maxParts } }) => mode === 'fixed' && maxParts === points[0]?.row.maxParts,
    )
    .concat(points.filter(({ row: { mode, isGiven } }) => mode === 'adaptive' && isGiven))
    .map(({ x, y, row: { mode, lingerMaxMs } }) => {
      const lift = mode === 'fixed' ? 16 : -12;
      const more = ` text-anchor="middle" font-size="11" fill="${colours[mode]}"`;
      return text(atX(x), (Number(atY(y)) + lift).toFixed(1), `${lingerMaxMs} ms`, more);
    });
  const names = (['adaptive', 'fixed', 'off'] as const).map((mode, i) =>
    text(String(margin + 10), String(margin + 16 * i), mode, ` fill="${colours[mode]}"`),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<path d="${grid}" fill="none" stroke="#d0d7de"/>`,
    `<path d="M${atX(0)},${atY(1)} V${atY(0)} H${atX(1)}" fill="none" stroke="black"/>`,
    ...[0, 0.25, 0.5, 0.75, 1].map((y) =>
      text(atX(-0.01), atY(y - 0.01), `${y * 100} %`, ' text-anchor="end"'),
    ),
    ...[0, 0.5, 1].map((x) =>
      text(atX(x), atY(-0.06), `${(x * most).toFixed(1)} ms`, ' text-anchor="middle"'),
    ),
    text(atX(0.5), atY(-0.14), 'additional wait of a caller, mean', ' text-anchor="middle"'),
    text(atX(0), atY(1.05), 'requests saved'),
    ...(['fixed', 'adaptive'] as const).flatMap((mode) =>
      [false, true].map((best) => curve(mode, best)),
    ),
    ...dots,
    ...lingers,
    ...names,
    '</svg>',
    '',
  ].join('\n');
}
