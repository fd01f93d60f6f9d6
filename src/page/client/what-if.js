/* Sliders for settings. The proxy replays the last calls, and says what the settings would save and cost. */

/**
 * @typedef {object} Batching
 * @property {string} mode
 * @property {number} lingerMaxMs
 * @property {number} maxParts
 * @property {number} exchangeRateMs
 *
 * @typedef {object} Replayed
 * @property {number} calls
 * @property {number} requests
 * @property {number} savedShare
 * @property {number} p50Ms
 * @property {number} p95Ms
 */

const sliders = /** @type {const} */ ({
  linger: { name: 'lingerMaxMs', unit: ' ms' },
  parts: { name: 'maxParts', unit: '' },
  rate: { name: 'exchangeRateMs', unit: ' ms' },
});
const sliderIds = /** @type {Array<keyof typeof sliders>} */ (Object.keys(sliders));
const askAfterMs = 250;
const askAgainMs = 5000;

/** @type {Batching | undefined} The settings in force. */
let inForce;
/** @type {number | undefined} */
let askTimer;
let isAsking = false;

/** @param {keyof typeof sliders} id */
function slider(id) {
  return /** @type {HTMLInputElement} */ (byId(id));
}

for (const id of sliderIds)
  slider(id).addEventListener('input', () => {
    showSliders();
    askSoon(askAfterMs);
  });

/**
 * Begins to ask again and again, until `endWhatIf`.
 *
 * @param {Batching} batching
 */
function beginWhatIf(batching) {
  followSettings(batching);
  askSoon(askAgainMs);
}

/**
 * Takes the settings in force. A slider that stands at the old value moves to the new one.
 *
 * @param {Batching} batching
 */
function followSettings(batching) {
  for (const id of sliderIds) {
    const { name } = sliders[id];
    const value = batching[name];
    if (inForce?.[name] === value) continue;
    const input = slider(id);
    input.max = String(Math.max(Number(input.max), value));
    input.min = String(Math.min(Number(input.min), value));
    if (inForce === undefined || input.value === String(inForce[name])) input.value = String(value);
  }
  inForce = batching;
  showSliders();
}

function showSliders() {
  for (const id of sliderIds)
    setText(byId(`${id}-value`), `${slider(id).value}${sliders[id].unit}`);
}

function endWhatIf() {
  clearTimeout(askTimer);
}

/** @param {number} ms */
function askSoon(ms) {
  clearTimeout(askTimer);
  askTimer = setTimeout(() => void askWhatIf(), ms);
}

async function askWhatIf() {
  if (inForce === undefined || isAsking) return;
  isAsking = true;
  const chosen = {
    lingerMaxMs: slider('linger').value,
    maxParts: slider('parts').value,
    exchangeRateMs: slider('rate').value,
  };
  try {
    const [now, then] = [await askReplay(inForce), await askReplay(chosen)];
    showReplays(now, then);
    setText(byId('what-if-state'), inForce.mode === 'off' ? 'batching.mode is off.' : '');
  } catch {
    setText(byId('what-if-state'), 'The proxy does not replay now.');
  }
  isAsking = false;
  const isChanged = sliderIds.some((id) => chosen[sliders[id].name] !== slider(id).value);
  if (isLooking()) askSoon(isChanged ? 0 : askAgainMs);
}

/**
 * @param {{ readonly lingerMaxMs: number | string, readonly maxParts: number | string,
 *   readonly exchangeRateMs: number | string }} settings
 * @returns {Promise<Replayed>}
 */
async function askReplay({ lingerMaxMs, maxParts, exchangeRateMs }) {
  const query = `lingerMaxMs=${lingerMaxMs}&maxParts=${maxParts}&exchangeRateMs=${exchangeRateMs}`;
  const answer = await fetch(`what-if?${query}`, { signal: AbortSignal.timeout(30_000) });
  if (!answer.ok) throw new Error(String(answer.status));
  return /** @type {Promise<Replayed>} */ (answer.json());
}

/**
 * @param {Replayed} now
 * @param {Replayed} then
 */
function showReplays(now, then) {
  const longestMs = Math.max(1, now.p95Ms, then.p95Ms);
  const rows = /** @type {const} */ ([
    ['in force', now],
    ['the sliders', then],
  ]);
  showRows(
    'what-if-rows',
    rows.map(([name, { calls, requests, savedShare, p50Ms, p95Ms }]) => [
      name,
      number(calls),
      number(requests),
      { text: `${number(savedShare * 100, 1)} %`, share: savedShare, kind: 'saved' },
      { text: milliseconds(p50Ms), share: p50Ms / longestMs, kind: 'wait' },
      { text: milliseconds(p95Ms), share: p95Ms / longestMs, kind: 'wait' },
    ]),
  );
}
