/** A chart as SVG: a bar for each median, and a line from the minimum to the maximum. */

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/**
 * @typedef {object} Chart
 * @property {string} name the middle of its file name
 * @property {string} title with the unit
 * @property {readonly Bar[]} bars
 */

const labelWidth = 240;
const plotWidth = 440;
const rowHeight = 26;
const top = 40;

/**
 * @param {Chart} chart
 * @returns {string}
 */
export function barsAsSvg({ title, bars }) {
  const shownBars = bars.filter(({ median }) => Number.isFinite(median));
  const most = Math.max(...shownBars.map(({ max }) => max), Number.MIN_VALUE);
  /** @param {number} value */
  const x = (value) => (labelWidth + (value / most) * plotWidth).toFixed(1);
  const rows = shownBars.map(({ label, median, min, max }, index) => {
    const y = top + index * rowHeight;
    const middle = y + 9;
    return [
      `<text x="${labelWidth - 8}" y="${y + 14}" text-anchor="end">${escaped(label)}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${((median / most) * plotWidth).toFixed(1)}" height="18" fill="#4a7ebb"/>`,
      `<line x1="${x(min)}" x2="${x(max)}" y1="${middle}" y2="${middle}" stroke="#888" stroke-width="2"/>`,
      `<text x="${Number(x(max)) + 6}" y="${y + 14}">${rounded(median)}</text>`,
    ].join('\n');
  });
  const width = labelWidth + plotWidth + 90;
  const height = top + shownBars.length * rowHeight + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#fff"/>
<text x="10" y="22" font-size="15">${escaped(title)}</text>
${rows.join('\n')}
</svg>
`;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** @param {number} value */
function rounded(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
