/** The section of the report: one table for each scene, and one picture. */
import { spread } from '../report/statistics.js';
import { shown } from '../report/columns.js';
import { drawPhone } from './picture.js';
import { storm } from './scenes.js';

/**
 * @typedef {object} Taken What was measured on one way in one scene.
 * @property {string} name of the way
 * @property {import('./scenes.js').Measured[]} rounds
 */

/**
 * @typedef {object} Scene
 * @property {'start' | 'storm' | 'hour'} scene
 * @property {number} roundTripMs
 * @property {Taken[]} ways
 */

/**
 * @typedef {object} Run
 * @property {string} on processor and version of Node
 * @property {number} rounds
 * @property {number} serviceMs
 * @property {number} minutes of the quiet hour
 * @property {number} factor
 * @property {Scene[]} scenes
 */

/** @typedef {Record<'ms' | 'upBytes' | 'downBytes' | 'requests' | 'poolRequests' | 'connections' | 'wakeUps', number>} Medians */

/**
 * @typedef {object} Recorded What the picture and README.md show; `docs/benchmarks-phone.json`.
 * @property {string} on
 * @property {number} minutes
 * @property {Array<{ scene: Scene['scene'], roundTripMs: number, ways: Array<{ name: string } & Medians> }>} scenes
 */

const figures = /** @type {const} */ ([
  { key: 'ms', title: 'ms', digits: 0, per: 1 },
  { key: 'upBytes', title: 'KB sent', digits: 1, per: 1000 },
  { key: 'downBytes', title: 'KB received', digits: 1, per: 1000 },
  { key: 'requests', title: 'requests', digits: 0, per: 1 },
  { key: 'poolRequests', title: 'requests at the pool', digits: 0, per: 1 },
  { key: 'connections', title: 'connections opened', digits: 0, per: 1 },
  { key: 'wakeUps', title: 'radio wake-ups', digits: 0, per: 1 },
]);

/** Least time between two bursts that the quiet time plans, in its seconds. */
const leastGapSeconds = 30;

const titles = {
  start: () => 'The app starts:',
  storm: () => `${storm.events} events at once:`,
  hour: (/** @type {number} */ minutes) => `A quiet time of ${minutes} minutes:`,
};

/**
 * @param {Run} run
 * @param {string[]} notes
 * @returns {import('../report/markdown.js').Section}
 */
export function sectionOf(run, notes) {
  const recorded = recordedOf(run);
  return {
    about: aboutOf(run),
    tables: /** @type {const} */ (['start', 'storm', 'hour'])
      .map((scene) => tableOf(scene, run))
      .filter(({ rows }) => rows.length > 0),
    charts: [],
    pictures:
      run.scenes.length === 0
        ? []
        : [{ name: 'phone', title: 'What the phone gets', svg: drawPhone(recorded), recorded }],
    notes,
    data: run,
  };
}

/**
 * @param {Run} run
 * @returns {Recorded} the medians
 */
export function recordedOf({ on, minutes, scenes }) {
  return {
    on,
    minutes,
    scenes: scenes.map(({ scene, roundTripMs, ways }) => ({
      scene,
      roundTripMs,
      ways: ways.map(({ name, rounds }) => ({ name, ...mediansOf(rounds) })),
    })),
  };
}

/**
 * @param {import('./scenes.js').Measured[]} rounds
 * @returns {Medians}
 */
function mediansOf(rounds) {
  const medians = figures.map(({ key }) => {
    const { median } = spread(rounds.map((round) => round[key]));
    return [key, Math.round(median)];
  });
  return Object.fromEntries(medians);
}

/**
 * @param {Scene['scene']} scene
 * @param {Run} run
 * @returns {import('../report/markdown.js').Table}
 */
function tableOf(scene, { scenes, minutes }) {
  // The time of the quiet hour is given.
  const columns = figures.filter(({ key }) => scene !== 'hour' || key !== 'ms');
  return {
    title: titles[scene](minutes),
    columns: ['', ...columns.map(({ title }) => title)],
    rows: scenes
      .filter((one) => one.scene === scene)
      .flatMap(({ roundTripMs, ways }) =>
        ways.map(({ name, rounds }) => [
          `${roundTripMs} ms, ${name}`,
          ...columns.map(({ key, digits, per }) =>
            shown(
              rounds.map((round) => round[key] / per),
              digits,
            ),
          ),
        ]),
      ),
  };
}

/**
 * @param {Run} run
 * @returns {string[]}
 */
function aboutOf({ on, rounds, serviceMs, factor }) {
  const phone =
    'An app on a phone, over TLS, at a simulated pool and through this proxy. The round trip takes ' +
    `60 ms or 200 ms. Measured on ${on}. The phone has six connections of HTTP/1.1, as a browser, ` +
    'or one of HTTP/2. It accepts gzip, and its token has 400 bytes. The pool compresses. It speaks ' +
    `only HTTP/1.1, as Skype for Business does, and takes ${serviceMs} ms for a call and for a ` +
    `batch. All ways run at the same time, in ${rounds} rounds, each with a new user. The app ` +
    'checks every answer.';
  const scenes =
    'The start: the app connects, finds the pool, signs in, creates its application, and reads ' +
    `what the first screen shows. The storm: one answer of the event channel has ${storm.events} ` +
    `events about ${storm.contacts} contacts, and the app reads the ${2 * storm.contacts} ` +
    'resources that they name. The time ends with the last answer.';
  const radio =
    "Bytes are those of TLS on the phone's side of the wire, without the heads of TCP and IP. The " +
    'line has a delay, and no limit of bandwidth. The radio wakes up for bytes, and for the end of ' +
    'a connection, if there were none for 5 s.';
  const quiet =
    `The quiet time runs ${factor} times as fast. The poll of the event channel (180 s), the idle ` +
    'times of the pool (120 s) and of the proxy (75 s), the round trip and the 5 s are shorter by ' +
    'that factor. One second is added to the 5 s, because checks in the programs run every second. ' +
    `All planned bursts are at least ${leastGapSeconds} s apart. Every five minutes a contact ` +
    'changes presence and note.';
  const exact =
    'The load of the machine changes times, and requests at the pool: calls that arrive late miss ' +
    'their batch. It hardly changes the other figures. The HTTP/2 client of Node sends the token ' +
    'in full with each request. Other clients can index it, and send less.';
  return [phone, scenes, radio, `${quiet} ${exact}`];
}
