/**
 * Small charts as SVG: one panel per traffic. Added latency grows to the right, saved requests
 * upwards.
 */
import type { Family, Panel } from './compare.ts';

interface Mark {
  readonly label: string;
  readonly light: string;
  readonly dark: string;
  /** SVG path around the origin. */
  readonly shape: string;
}

/** Marks by family, which differ in shape and in color. */
const marks: Readonly<Record<string, Mark>> = {
  fixed: {
    label: 'fixed windows of 0, 2, 5, 10, 20 ms',
    light: '#b45309',
    dark: '#fbbf24',
    shape: 'M-3-3H3V3H-3Z',
  },
  natural: {
    label: 'natural: one request of a user at a time',
    light: '#047857',
    dark: '#34d399',
    shape: 'M0-5L5 0L0 5L-5 0Z',
  },
  capped: {
    label: 'adaptive, at most 10, 25, 50 % of the route',
    light: '#a21caf',
    dark: '#f0abfc',
    shape: 'M0-4.5L4.5 3.5H-4.5Z',
  },
  adaptive: {
    label: 'adaptive, a request worth 10 to 200 ms',
    light: '#1d4ed8',
    dark: '#60a5fa',
    shape: 'M-3 0A3 3 0 1 0 3 0A3 3 0 1 0-3 0Z',
  },
};

const across = 4;
const panelPx = { width: 250, height: 200 };
const insetPx = { left: 46, right: 14, top: 28, bottom: 40 };
const plotPx = {
  width: panelPx.width - insetPx.left - insetPx.right,
  height: panelPx.height - insetPx.top - insetPx.bottom,
};
const headPx = 128;
/** In percent. A smaller scale would show only chance. */
const leastTop = 10;
const title = 'What callers pay for saved requests';

export function plot(panels: readonly Panel[]): string {
  const rows = Math.ceil(panels.length / across);
  const width = across * panelPx.width;
  const height = headPx + rows * panelPx.height;
  const drawn = panels.map(
    (panel, index) => `<g transform="translate(${placeOf(index)})">${draw(panel)}</g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${title}: fixed windows, natural batching and the adaptive hold, on ${panels.length} shapes of traffic</title>`,
    `<style>${style()}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="12" y="28">${title}</text>`,
    legend(),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function placeOf(index: number): string {
  const column = index % across;
  const row = Math.floor(index / across);
  return `${column * panelPx.width} ${headPx + row * panelPx.height}`;
}

interface Shade {
  readonly of: 'light' | 'dark';
  readonly paper: string;
  readonly text: string;
  readonly quiet: string;
  readonly grid: string;
}

const light: Shade = {
  of: 'light',
  paper: '#fff',
  text: '#1f2937',
  quiet: '#4b5563',
  grid: '#e5e7eb',
};
const dark: Shade = {
  of: 'dark',
  paper: '#0d1117',
  text: '#e6edf3',
  quiet: '#9ca3af',
  grid: '#2b3138',
};

/**
 * The style is dark if the reader's system is. CSS variables are avoided, because some viewers do
 * not know them.
 */
function style(): string {
  return [
    'text{font:11px system-ui,sans-serif}',
    '.title{font-size:17px;font-weight:600}',
    '.name{font-size:13px;font-weight:600}',
    '.middle{text-anchor:middle}.end{text-anchor:end}',
    '.line,.ring,.grid{fill:none}.line{stroke-width:1.5}.ring{stroke-width:2}',
    colours(light),
    `@media(prefers-color-scheme:dark){${colours(dark)}}`,
  ].join('');
}

function colours({ of, paper, text, quiet, grid }: Shade): string {
  return [
    `.paper{fill:${paper}}text{fill:${quiet}}.title,.name{fill:${text}}.grid{stroke:${grid}}`,
    ...Object.entries(marks).map(
      ([name, mark]) =>
        `.${name} .mark{fill:${mark[of]}}.${name} .line,.${name} .ring{stroke:${mark[of]}}`,
    ),
  ].join('');
}

function draw({ traffic, families }: Panel): string {
  const points = families.flatMap((family) => family.points);
  const right = axis(Math.max(...points.map(({ paidMs }) => paidMs.mean)));
  const top = axis(Math.max(leastTop, ...points.map(({ saved }) => saved * 100)), 100);
  const x = (ms: number): string => (insetPx.left + (ms / right.end) * plotPx.width).toFixed(1);
  const y = (percent: number): string =>
    (insetPx.top + (1 - percent / top.end) * plotPx.height).toFixed(1);
  const bottom = y(0);
  const edge = x(right.end);
  return [
    `<text class="name" x="${insetPx.left}" y="16">${traffic.name}</text>`,
    ...right.ticks.map(
      (ms) =>
        `<path class="grid" d="M${x(ms)} ${insetPx.top}V${bottom}"/><text class="middle" x="${x(ms)}" y="${Number(bottom) + 14}">${ms}</text>`,
    ),
    ...top.ticks.map(
      (percent) =>
        `<path class="grid" d="M${insetPx.left} ${y(percent)}H${edge}"/><text class="end" x="${insetPx.left - 5}" y="${Number(y(percent)) + 4}">${percent}</text>`,
    ),
    `<text class="middle" x="${insetPx.left + plotPx.width / 2}" y="${Number(bottom) + 29}">mean ms that a caller pays</text>`,
    `<text class="middle" transform="translate(15 ${insetPx.top + plotPx.height / 2})rotate(-90)">% saved</text>`,
    ...families.map((family) => curve(family, x, y)),
  ].join('\n');
}

function curve(
  { name, points }: Family,
  x: (ms: number) => string,
  y: (percent: number) => string,
): string {
  const shape = marks[name]?.shape ?? '';
  const places = points.map(({ paidMs, saved }) => `${x(paidMs.mean)} ${y(saved * 100)}`);
  return [
    `<g class="${name}"><path class="line" d="M${places.join('L')}"/>`,
    ...points.map(({ isDefault }, index) => {
      const place = places[index] ?? '';
      const ring = isDefault ? '<circle class="ring" r="6.5"/>' : '';
      return `<g transform="translate(${place})"><path class="mark" d="${shape}"/>${ring}</g>`;
    }),
    '</g>',
  ].join('');
}

/** Returns a few round ticks, from 0 to at least `largest`, but not beyond `most`. */
function axis(largest: number, most = Infinity): { end: number; ticks: readonly number[] } {
  const step = [1, 2, 5, 10, 20, 50].find((one) => one * 5 >= Math.min(most, largest)) ?? 100;
  const count = Math.max(1, Math.ceil(Math.min(most, largest) / step));
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step);
  return { end: count * step, ticks };
}

/** The legend stands below the title, in two columns. */
function legend(): string {
  const ring = '<circle class="ring" r="6.5"/>';
  const entries = Object.entries(marks).map(([name, { label, shape }]) => ({
    name,
    label,
    sign: `<path class="line" d="M-12 0H12"/><path class="mark" d="${shape}"/>`,
  }));
  const standard = {
    name: 'adaptive',
    label: 'the default: a request worth 50 ms, at most 15 ms held',
    sign: `<path class="mark" d="${marks['adaptive']?.shape ?? ''}"/>${ring}`,
  };
  const rows = [...entries, standard].map(({ name, label, sign }, index) => {
    const xPx = 26 + Math.floor(index / 3) * 360;
    const yPx = 48 + (index % 3) * 20;
    return (
      `<g class="${name}" transform="translate(${xPx} ${yPx})">${sign}</g>` +
      `<text x="${xPx + 20}" y="${yPx + 4}">${label}</text>`
    );
  });
  const note =
    'Further up and to the left is better. A caller pays for its hold, and for calls in its batch that are slower than its own.';
  return [...rows, `<text x="14" y="112">${note}</text>`].join('\n');
}
