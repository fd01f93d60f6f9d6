/* Helpers for the document. Everything that comes from the feed becomes text, never HTML. */

/** @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no #${id}`);
  return found;
}

/**
 * @param {Element} element
 * @param {string} text
 */
function setText(element, text) {
  // An unchanged text costs no layout.
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string} value
 */
function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Gives an element this number of children, and keeps those that it has.
 *
 * @param {Element} parent
 * @param {number} count
 * @param {() => Element} make
 */
function resize(parent, count, make) {
  while (parent.children.length > count) parent.lastElementChild?.remove();
  while (parent.children.length < count) parent.append(make());
}

/** @param {string} name */
function newElement(name) {
  return document.createElement(name);
}

/** @typedef {string | { readonly text: string, readonly share: number, readonly kind: string }} Cell */

/**
 * Shows rows of a table. The header row decides which columns have numbers.
 *
 * @param {string} id of the body of the table
 * @param {ReadonlyArray<readonly Cell[]>} rows
 */
function showRows(id, rows) {
  const body = byId(id);
  const heads = body.parentElement?.querySelectorAll('th') ?? [];
  resize(body, rows.length, () => newElement('tr'));
  rows.forEach((cells, place) => {
    const row = /** @type {Element} */ (body.children[place]);
    resize(row, cells.length, () => newElement('td'));
    cells.forEach((cell, column) => {
      const data = /** @type {Element} */ (row.children[column]);
      setAttribute(data, 'class', heads[column]?.className ?? '');
      if (typeof cell === 'string') setText(data, cell);
      else showMeter(data, cell);
    });
  });
}

/**
 * @param {Element} parent
 * @param {{ readonly text: string, readonly share: number, readonly kind: string }} cell
 */
function showMeter(parent, { text, share, kind }) {
  if (parent.querySelector('.meter') === null) {
    const meter = newElement('span');
    meter.append(newElement('i'));
    parent.replaceChildren(meter, newElement('span'));
  }
  const [meter, words] = parent.children;
  const fill = /** @type {HTMLElement} */ (meter?.firstElementChild);
  setAttribute(/** @type {Element} */ (meter), 'class', `meter ${kind}`);
  fill.style.width = `${Math.round(Math.min(1, Math.max(0, share)) * 100)}%`;
  setText(/** @type {Element} */ (words), text);
}

/**
 * @param {number} value
 * @param {number} digits
 */
function number(value, digits = 0) {
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

/** @param {number} ms */
function milliseconds(ms) {
  return ms >= 10_000 ? `${number(ms / 1000)} s` : `${number(ms, ms < 10 ? 1 : 0)} ms`;
}
