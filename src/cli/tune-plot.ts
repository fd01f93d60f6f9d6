/** Plot of the saved requests over the mean additional wait, as text and as SVG. */
import type { TuneRow } from './tune-table.ts';

const columns = 60;
const lines = 15;
const letters = { adaptive: 'a', fixed: 'f', off: 'o' } as const;

interface Point {
  /** 0 to 1, as a share of the longest wait. */
  readonly x: number;
  /** 0 to 1: the share of requests saved. */
  readonly y: number;
  readonly row: TuneRow;
}

export function plotOf(rows: readonly TuneRow[]): { readonly text: string; readonly svg: string } {
  const most = Math.max(1, ...rows.map(({ tally }) => tally.meanAddedMs));
  const points = rows.map((row) => ({
    x: Math.max(0, row.tally.meanAddedMs) / most,
    y: Math.max(0, row.tally.savedShare),
    row,
  }));
  return { text: textOf(points, most), svg: svgOf(points, most) };
}

function letterOf({ mode, isGiven }: TuneRow): string {
  return isGiven ? '*' : letters[mode];
}

function textOf(points: readonly Point[], most: number): string {
  const grid = Array.from({ length: lines + 1 }, () => new Array<string>(columns + 1).fill(' '));
  for (const { x, y, row } of [...points].sort((a, b) => +a.row.isGiven - +b.row.isGiven)) {
    const line = grid[lines - Math.round(y * lines)];
    if (line !== undefined) line[Math.round(x * columns)] = letterOf(row);
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
    'a adaptive, f fixed, o off, * these settings',
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
  const curve = (mode: 'adaptive' | 'fixed'): string => {
    const on = points
      .filter(({ row }) => row.mode === mode && row.maxParts === points[0]?.row.maxParts)
      .map(({ x, y }) => `${atX(x)},${atY(y)}`);
    return `<polyline points="${on.join(' ')}" fill="none" stroke="${colours[mode]}"/>`;
  };
  const dots = points.map(({ x, y, row }) => {
    const { mode, lingerMaxMs, maxParts, isGiven } = row;
    const title = `${mode} ${lingerMaxMs} ms, ${maxParts} parts`;
    return (
      `<circle cx="${atX(x)}" cy="${atY(y)}" r="${isGiven ? 7 : 4}" fill="${colours[mode]}">` +
      `<title>${title}</title></circle>`
    );
  });
  const names = (['adaptive', 'fixed', 'off'] as const).map((mode, i) =>
    text(String(margin + 10), String(margin + 16 * i), mode, ` fill="${colours[mode]}"`),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<path d="M${atX(0)},${atY(1)} V${atY(0)} H${atX(1)}" fill="none" stroke="black"/>`,
    ...[0, 0.25, 0.5, 0.75, 1].map((y) =>
      text(atX(-0.01), atY(y - 0.01), `${y * 100} %`, ' text-anchor="end"'),
    ),
    ...[0, 0.5, 1].map((x) =>
      text(atX(x), atY(-0.06), `${(x * most).toFixed(1)} ms`, ' text-anchor="middle"'),
    ),
    text(atX(0.5), atY(-0.14), 'additional wait of a caller, mean', ' text-anchor="middle"'),
    text(atX(0), atY(1.05), 'requests saved'),
    curve('fixed'),
    curve('adaptive'),
    ...dots,
    ...names,
    '</svg>',
    '',
  ].join('\n');
}
