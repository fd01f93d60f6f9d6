/**
 * What the phone gets, as one picture: a column for each scene, and in it a group of bars for each
 * figure. The same recorded medians draw the same bytes.
 */

/** @typedef {import('./report.js').Recorded} Recorded */
/** @typedef {import('./report.js').Medians} Medians */

/** Colors by way. Each has a contrast of at least 3 to its background. */
const colors = [
  { name: 'HTTP/1.1, direct', light: '#b45309', dark: '#fbbf24' },
  { name: 'HTTP/1.1, proxy', light: '#1d4ed8', dark: '#60a5fa' },
  { name: 'HTTP/2, proxy', light: '#047857', dark: '#34d399' },
];

const shades = {
  light: { paper: '#ffffff', text: '#1f2937', quiet: '#4b5563' },
  dark: { paper: '#0d1117', text: '#e6edf3', quiet: '#9ca3af' },
};

const columnPx = 320;
const insetPx = 16;
const barMaxPx = 230;
const barPx = 13;
const headPx = 76;
const title = 'What the phone gets';
const text =
  'Less is better. All figures are on the phone’s side of the wire, but the requests at the pool.';

/** @type {Array<{ label: string, key: keyof Medians, per?: number }>} */
const bytes = [
  { label: 'KB that the phone sends', key: 'upBytes', per: 1000 },
  { label: 'KB that it receives', key: 'downBytes', per: 1000 },
];
/** @type {typeof bytes} */
const counts = [
  { label: 'connections that it opens', key: 'connections' },
  { label: 'requests at the pool', key: 'poolRequests' },
];

const names = {
  start: () => 'The app starts',
  storm: () => '200 events at once',
  hour: (/** @type {number} */ minutes) =>
    minutes === 60 ? 'A quiet hour' : `${minutes} quiet minutes`,
};

/**
 * @param {Recorded} recorded
 * @returns {string} SVG
 */
export function drawPhone(recorded) {
  const columns = /** @type {const} */ (['start', 'storm', 'hour']).map((scene) =>
    columnOf(recorded, scene),
  );
  const width = columns.length * columnPx + insetPx;
  const height = headPx + Math.max(...columns.map((one) => one.height)) + 30;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title text">`,
    `<title id="title">${title}</title>`,
    `<desc id="text">Bars for an app's start, an event storm and a quiet hour: at the pool over HTTP/1.1, and through the proxy over HTTP/1.1 and HTTP/2.</desc>`,
    `<style>${style()}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="${insetPx}" y="28">${title}</text>`,
    ...legend(recorded),
    ...columns.map(
      ({ drawn }, index) =>
        `<g transform="translate(${insetPx + index * columnPx} ${headPx})">${drawn}</g>`,
    ),
    `<text x="${insetPx}" y="${height - 12}">${text} ${escaped(recorded.on)}.</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/**
 * @param {Recorded} recorded
 * @param {'start' | 'storm' | 'hour'} scene
 * @returns {{ drawn: string, height: number }}
 */
function columnOf({ scenes, minutes }, scene) {
  const own = scenes.filter((one) => one.scene === scene);
  const [nearest] = own;
  /** @typedef {{ label: string, values: Array<{ name: string, value: number }> }} Group */
  /** @param {(typeof own)[number]} from @param {(typeof bytes)[number]} figure @returns {Group} */
  const group = (from, { label, key, per = 1 }) => ({
    label,
    values: from.ways.map((way) => ({ name: way.name, value: way[key] / per })),
  });
  const times = own.map((one) =>
    group(one, { label: `ms to the last answer, ${one.roundTripMs} ms away`, key: 'ms' }),
  );
  const rest =
    scene === 'hour'
      ? [{ label: 'wake-ups of its radio', key: /** @type {const} */ ('wakeUps') }]
      : [];
  const groups = [
    ...(scene === 'hour' ? [] : times),
    ...(nearest === undefined
      ? []
      : [...rest, ...bytes, ...counts].map((one) => group(nearest, one))),
  ].filter(({ values }) => values.some(({ value }) => value > 0));
  const requests = nearest?.ways[0]?.requests ?? 0;
  let y = 42;
  const drawn = groups.map(({ label, values }) => {
    const at = y;
    y += 20 + values.length * (barPx + 3) + 8;
    return `<text x="0" y="${at + 10}">${label}</text>${barsOf(values, at + 16)}`;
  });
  const heading =
    `<text class="name" x="0" y="14">${names[scene](minutes)}</text>` +
    `<text x="0" y="30">${requests} requests of the phone</text>`;
  return { drawn: [heading, ...drawn].join('\n'), height: y };
}

/**
 * @param {Array<{ name: string, value: number }>} values
 * @param {number} top
 */
function barsOf(values, top) {
  const most = Math.max(...values.map(({ value }) => value));
  return values
    .map(({ name, value }, index) => {
      const y = top + index * (barPx + 3);
      const width = ((value / most) * barMaxPx).toFixed(1);
      return (
        `<rect class="${classOf(name)}" x="0" y="${y}" width="${width}" height="${barPx}"/>` +
        `<text class="value" x="${(Number(width) + 6).toFixed(1)}" y="${y + barPx - 2}">${rounded(value)}</text>`
      );
    })
    .join('');
}

/** @param {Recorded} recorded */
function legend({ scenes }) {
  const ways = scenes[0]?.ways ?? [];
  return ways.map(
    ({ name }, index) =>
      `<g transform="translate(${insetPx + index * 170} 44)"><rect class="${classOf(name)}" width="${barPx}" height="${barPx}"/>` +
      `<text x="${barPx + 6}" y="11">${name}</text></g>`,
  );
}

/** @param {string} name */
function classOf(name) {
  return `way${colors.findIndex((color) => color.name === name)}`;
}

/** The style is dark if the reader's system is. */
function style() {
  const rules = (/** @type {'light' | 'dark'} */ of) => {
    const { paper, text: strong, quiet } = shades[of];
    return [
      `.paper{fill:${paper}}text{fill:${quiet}}.title,.name,.value{fill:${strong}}`,
      ...colors.map((color, index) => `.way${index}{fill:${color[of]}}`),
    ].join('');
  };
  return (
    'text{font:11px system-ui,sans-serif}.title{font-size:17px;font-weight:600}' +
    `.name{font-size:13px;font-weight:600}${rules('light')}` +
    `@media(prefers-color-scheme:dark){${rules('dark')}}`
  );
}

/** @param {number} value */
function rounded(value) {
  return Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

/** @param {string} plain */
function escaped(plain) {
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
