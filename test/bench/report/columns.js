/** The columns of the result tables, each with median and spread. */
import { ratios, spread } from './statistics.js';

/** @typedef {import('../measure/measure.js').Round} Round */
/** @typedef {import('../measure/measure.js').Result} Result */

/**
 * @typedef {object} Figure
 * @property {string} title
 * @property {number} digits after the decimal point
 * @property {(round: Round) => number} of
 */

/** @satisfies {Record<string, Figure>} */
export const figures = {
  cpu: { title: 'CPU, µs a call', digits: 1, of: (one) => one.cpuMicrosPerCall },
  poolCpu: {
    title: 'CPU of the pool, µs a call',
    digits: 1,
    of: (one) => (one.upstreamRequestsPerCall === 0 ? NaN : one.poolCpuMicrosPerCall),
  },
  requests: {
    title: 'requests at the pool a call',
    digits: 3,
    of: (one) => one.upstreamRequestsPerCall,
  },
  perSecond: { title: 'calls a second', digits: 0, of: (one) => one.callsPerSecond },
  p50: { title: 'p50 ms', digits: 1, of: (one) => one.p50Ms },
  p95: { title: 'p95 ms', digits: 1, of: (one) => one.p95Ms },
  p99: { title: 'p99 ms', digits: 1, of: (one) => one.p99Ms },
  parts: {
    title: 'parts a batch',
    digits: 2,
    of: ({ pool }) => (pool.batches === 0 ? NaN : pool.parts / pool.batches),
  },
  singly: {
    title: 'sent singly, %',
    digits: 1,
    of: (one) => (one.pool.singles * 100) / one.calls,
  },
  busiest: {
    title: 'requests through the busier process, %',
    digits: 0,
    of: ({ pool: { through } }) =>
      (Math.max(...through) * 100) / through.reduce((sum, count) => sum + count, 0),
  },
  peerBusy: { title: 'core: it, %', digits: 0, of: ({ busy }) => busy.peer * 100 },
  poolBusy: { title: 'pool, %', digits: 0, of: ({ busy }) => busy.pool * 100 },
  loadBusy: { title: 'load generator, %', digits: 0, of: ({ busy }) => busy.load * 100 },
  othersBusy: { title: 'other programs, %', digits: 0, of: ({ busy }) => busy.others * 100 },
};

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(result: Result) => string} cell
 */

/**
 * @param {Figure} figure
 * @returns {Column}
 */
export function valueOf({ title, digits, of }) {
  return { title, cell: ({ rounds }) => shown(rounds.map(of), digits) };
}

/**
 * @param {string} title
 * @param {Figure} figure
 * @param {(result: Result) => { over?: Result | undefined, under?: Result | undefined }} pair
 *   dividend and divisor, round by round; a dash if one is missing or both are the same
 * @returns {Column}
 */
export function ratioOf(title, { of }, pair) {
  return {
    title,
    cell: (result) => {
      const { over, under } = pair(result);
      if (over === undefined || under === undefined || over === under) return '–';
      return shown(ratios(over.rounds.map(of), under.rounds.map(of)), 3);
    },
  };
}

/**
 * @param {string} what name of the rows
 * @param {readonly Result[]} results
 * @param {readonly Column[]} columns
 * @returns {import('./markdown.js').Table}
 */
export function tableOf(what, results, columns) {
  return {
    columns: [what, ...columns.map(({ title }) => title)],
    rows: results.map((one) => [one.name, ...columns.map(({ cell }) => cell(one))]),
  };
}

/**
 * @param {readonly Result[]} results
 * @param {Figure} figure
 * @returns {import('./bars.js').Bar[]}
 */
export function barsOf(results, { of }) {
  return results.map(({ name, rounds }) => ({ label: name, ...spread(rounds.map(of)) }));
}

/**
 * @param {readonly number[]} values
 * @param {number} digits
 * @returns {string} the median, with minimum and maximum
 */
export function shown(values, digits) {
  const { median, min, max } = spread(values);
  if (!Number.isFinite(median)) return '–';
  const texts = [median, min, max].map((value) => value.toFixed(digits));
  return texts[1] === texts[2] ? texts[0] : `${texts[0]} (${texts[1]}–${texts[2]})`;
}

/** From this share of a core on, a process may be the bottleneck. */
const saturated = 0.9;
/** From this share on, other programs may disturb the measurement. */
const crowded = 0.2;

/**
 * @param {readonly Result[]} results
 * @returns {string[]} other possible limits of calls per second and latencies
 */
export function doubts(results) {
  const limits = /** @type {const} */ ([
    { who: 'pool', from: saturated, called: 'the pool' },
    { who: 'load', from: saturated, called: 'the load generator' },
    { who: 'others', from: crowded, called: 'other programs on this machine' },
  ]);
  const notes = [];
  for (const { who, from, called } of limits) {
    const shares = results
      .map(({ name, rounds }) => ({ name, ...spread(rounds.map(({ busy }) => busy[who])) }))
      .filter(({ median }) => median >= from);
    if (shares.length === 0) continue;
    const most = Math.max(...shares.map(({ median }) => median)) * 100;
    const whom =
      shares.length === results.length ? 'each' : shares.map(({ name }) => name).join(', ');
    notes.push(
      `${called} took up to ${most.toFixed(0)} % of a core, with ${whom}: calls a second and ` +
        'latencies suffer, CPU a call less',
    );
  }
  return notes;
}
