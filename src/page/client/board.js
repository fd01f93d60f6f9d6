/* The departure board: a bar for each request, with the hold in front and a cell for each part. */

/**
 * @typedef {object} BoardRow
 * @property {string} key
 * @property {number} id
 * @property {string} user
 * @property {'batch' | 'single'} kind
 * @property {string} flush
 * @property {number} holdMs
 * @property {number} queueMs
 * @property {number} tookMs
 * @property {boolean} isOver
 * @property {boolean} wasLate
 * @property {string} fault
 * @property {number} parts
 * @property {ReadonlyArray<readonly [status: number, name: number, tookMs: number, slow: 0 | 1]>} cells
 *
 * @typedef {object} BoardFrame
 * @property {number} live
 * @property {readonly string[]} names
 * @property {readonly BoardRow[]} rows
 */

/** @type {Readonly<Record<string, string>>} */
const flushWords = {
  idle: 'no further call was likely',
  linger: 'the longest hold was over',
  parts: 'full: no further part',
  bytes: 'full: no further byte',
  barrier: 'a later call had to follow',
  drain: 'the proxy shuts down',
};

/**
 * @param {number} status
 * @returns {readonly [kind: string, glyph: string, words: string]}
 */
function cellLook(status) {
  if (status === 0) return ['pending', '·', 'at the pool'];
  if (status < 0) return ['server', '✕', 'no answer'];
  if (status === 429) return ['refused', 'R', '429'];
  if (status >= 500) return ['server', '✕', String(status)];
  if (status >= 400) return ['client', '!', String(status)];
  return ['good', '✓', String(status)];
}

/** @param {BoardRow} row */
function departureWords({ holdMs, queueMs, flush, tookMs, isOver, wasLate, fault, kind }) {
  const waited = queueMs >= 1 ? `, waited ${milliseconds(queueMs)}` : '';
  const why = flushWords[flush] ?? flush;
  const end = isOver ? `${milliseconds(tookMs)} at the pool` : `${milliseconds(tookMs)} so far`;
  const late = wasLate ? ', late: asked again beside it' : '';
  const wrong = fault === '' ? '' : `, ${fault}`;
  const reason =
    kind === 'single' && holdMs < 0.5 ? 'alone' : `held ${milliseconds(holdMs)}: ${why}`;
  return `${reason}${waited}; ${end}${late}${wrong}`;
}

/** @param {BoardFrame} board */
function showBoard({ live, names, rows }) {
  setText(byId('live'), live > rows.length ? `${number(live)} at the pool, some of them here` : '');
  const list = byId('departures');
  resize(list, rows.length, newDeparture);
  const longest = Math.max(
    10,
    ...rows.map(({ holdMs, queueMs, tookMs }) => holdMs + queueMs + tookMs),
  );
  // A scale of powers of two, so that bars do not jump with each frame.
  const scaleMs = 2 ** Math.ceil(Math.log2(longest));
  rows.forEach((row, place) => {
    showDeparture(/** @type {Element} */ (list.children[place]), row, names, scaleMs);
  });
}

function newDeparture() {
  const item = newElement('li');
  const bar = newElement('div');
  bar.className = 'bar';
  bar.setAttribute('role', 'img');
  const track = newElement('div');
  track.append(bar);
  item.append(newElement('span'), track, newElement('span'));
  return item;
}

/**
 * @param {Element} item
 * @param {BoardRow} row
 * @param {readonly string[]} names
 * @param {number} scaleMs
 */
function showDeparture(item, row, names, scaleMs) {
  const [who, track, words] = /** @type {Element[]} */ ([...item.children]);
  const bar = /** @type {HTMLElement} */ (track?.firstElementChild);
  if (who === undefined || words === undefined) return;
  const { cells, holdMs, queueMs, tookMs } = row;
  setAttribute(item, 'class', row.isOver ? 'over' : 'live');
  const more = row.parts === 1 ? '1 part' : `${row.parts} parts`;
  setText(who, `#${row.id} ${row.user} ${more}`);
  const told = departureWords(row);
  setText(words, told);
  // A narrow window shows only the beginning.
  setAttribute(words, 'title', told);
  const totalMs = holdMs + queueMs + tookMs;
  bar.style.width = `${Math.min(100, (totalMs / scaleMs) * 100)}%`;
  resize(bar, cells.length + 1, () => newElement('i'));
  const hold = /** @type {HTMLElement} */ (bar.children[0]);
  setAttribute(hold, 'class', 'cell hold');
  hold.style.width = `${totalMs === 0 ? 0 : ((holdMs + queueMs) / totalMs) * 100}%`;
  const cellWords = cells.map(([status, name, ms, slow], index) => {
    const [kind, glyph, state] = cellLook(status);
    const cell = /** @type {Element} */ (bar.children[index + 1]);
    setAttribute(cell, 'class', `cell ${kind}${slow === 1 ? ' slow' : ''}`);
    setText(cell, slow === 1 ? '◷' : glyph);
    const time = ms < 0 ? '' : ` after ${milliseconds(ms)}`;
    const text = `${names[name] ?? ''}: ${state}${time}${slow === 1 ? ', slow part' : ''}`;
    setAttribute(cell, 'title', text);
    return text;
  });
  setAttribute(bar, 'aria-label', cellWords.join('; '));
}
