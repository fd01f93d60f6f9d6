/** What was measured, as a table and as data. */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { ratios, spread } from './measure/statistics.js';
import { ours } from './peers/registry.js';

/** @typedef {import('./measure/measure.js').Round} Round */
/** @typedef {import('./measure/measure.js').PeerResult} PeerResult */
/** @typedef {import('./measure/measure.js').Plan} Plan */

/**
 * @typedef {object} Figure
 * @property {string} title
 * @property {number} digits after the point
 * @property {boolean} compared whether ratios are of interest
 * @property {(round: Round) => number} of
 */

/** @type {readonly Figure[]} */
const figures = [
  { title: 'CPU us per call', digits: 1, compared: true, of: (one) => one.cpuMicrosPerCall },
  {
    title: 'upstream requests per call',
    digits: 3,
    compared: true,
    of: (one) => one.upstreamRequestsPerCall,
  },
  { title: 'calls per second', digits: 0, compared: true, of: (one) => one.callsPerSecond },
  { title: 'p50 ms', digits: 1, compared: true, of: (one) => one.p50Ms },
  { title: 'p95 ms', digits: 1, compared: true, of: (one) => one.p95Ms },
  { title: 'p99 ms', digits: 1, compared: true, of: (one) => one.p99Ms },
  {
    title: 'parts per batch',
    digits: 2,
    compared: false,
    of: ({ pool }) => (pool.batches === 0 ? 0 : pool.parts / pool.batches),
  },
  {
    title: 'calls that reached the pool singly, %',
    digits: 2,
    compared: false,
    of: (one) => (one.pool.singles * 100) / one.calls,
  },
  ...[
    { who: 'peer', called: 'the peer' },
    { who: 'pool', called: 'the pool' },
    { who: 'load', called: 'the load generator' },
    { who: 'others', called: 'other processes' },
  ].map(({ who, called }) => ({
    title: `CPU of ${called}, % of one core`,
    digits: 0,
    compared: false,
    of: (/** @type {Round} */ { busy }) => busy[/** @type {keyof Round['busy']} */ (who)] * 100,
  })),
];

/** From here on a process may be what holds the others up, as a share of one core. */
const saturated = 0.9;
/** From here on other programs may be. */
const crowded = 0.2;

/** @returns {string} what was measured on */
export function machine() {
  const [cpu] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  return `Node ${process.version}, ${availableParallelism()} x ${cpu?.model ?? 'unknown'}, load average ${load}`;
}

/**
 * @param {import('./scenarios/registry.js').Scenario} scenario
 * @param {Plan} plan
 * @param {readonly PeerResult[]} results
 * @returns {string}
 */
export function asText(scenario, plan, results) {
  const us = results.find(({ name }) => name === ours);
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines = [
    `${scenario.name}: ${scenario.about}`,
    `${scenario.connections} connections of ${scenario.users} users; ${plan.rounds} rounds a peer, ${plan.roundMs} ms each, alternating`,
    ...results.map(({ name, about }) => `${name.padEnd(width)}  ${about}`),
    '',
    `${''.padEnd(width + 2)}${columns('median', 'min', 'max')}   ratio of ${ours} to it, round by round`,
  ];
  for (const { title, digits, compared, of } of figures) {
    lines.push(title);
    for (const { name, rounds } of results) {
      const values = rounds.map(of);
      let line = `  ${name.padEnd(width)}${numbers(spread(values), digits)}`;
      if (compared && us !== undefined && name !== ours) {
        line += `   ${numbers(spread(ratios(us.rounds.map(of), values)), 3)}`;
      }
      lines.push(line);
    }
  }
  return `${[...lines, '', ...doubts(results)].join('\n')}\n`;
}

/**
 * @param {readonly PeerResult[]} results
 * @returns {string[]} what limited calls per second and latencies, other than the peers
 */
function doubts(results) {
  const limits = /** @type {const} */ ([
    { who: 'pool', from: saturated, called: 'the pool' },
    { who: 'load', from: saturated, called: 'the load generator' },
    { who: 'others', from: crowded, called: 'other programs on this machine' },
  ]);
  const notes = [];
  for (const { name, rounds } of results) {
    for (const { who, from, called } of limits) {
      const { median } = spread(rounds.map(({ busy }) => busy[who]));
      if (median < from) continue;
      notes.push(
        `note: with ${name}, ${called} took ${(median * 100).toFixed(0)} % of a core; ` +
          'calls per second and latencies suffer, CPU per call less',
      );
    }
  }
  return notes;
}

/**
 * @param {import('./measure/statistics.js').Spread} spread
 * @param {number} digits
 */
function numbers({ median, min, max }, digits) {
  return columns(median.toFixed(digits), min.toFixed(digits), max.toFixed(digits));
}

/** @param {...string} cells */
function columns(...cells) {
  return cells.map((cell) => cell.padStart(11)).join('');
}
