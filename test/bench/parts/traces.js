/** The cost of traces: this proxy without them, and with the usual share of calls traced. */
import { withChildren } from '../children/with-children.js';
import { quietLog } from '../measure/stages.js';
import { ours, peersNamed } from '../peers/registry.js';
import { doubts, figures, shown, tableOf, valueOf } from '../report/columns.js';
import { ratios, spread } from '../report/statistics.js';

/** @typedef {import('../measure/measure.js').Result} Result */

const collectorFile = new URL('../programs/collector.js', import.meta.url);
const scenario = { connections: 200, users: 20 };
const withoutTraces = 'no traces';
const withTraces = '1 % of the calls traced';
/** The most that traces may cost, to a proxy without them. */
const bar = 1.03;
/** Rounds of each process. Two processes of one program differ more than two rounds of one. */
const roundsOfStart = 5;

/** @type {import('./registry.js').Part} */
export const traces = {
  name: 'traces',
  title: 'The cost of traces',
  // Here, rounds are starts of each of the two.
  plans: { usual: { rounds: 6, roundMs: 500 }, quick: { rounds: 2, roundMs: 200 } },
  async run({ peers, plan, measure }) {
    const [peer] = /** @type {[import('../peers/registry.js').Peer]} */ (peers ?? peersNamed(ours));
    return withChildren(async (start) => {
      const collector = await start('collector', collectorFile, {});
      const traced = {
        UCWA_PROXY_TRACE_ENDPOINT: collector.facts.url,
        UCWA_PROXY_TRACE_SAMPLE_RATIO: '0.01',
        // An export must fall into the rounds. The default of 5 s exports less often.
        OTEL_BSP_SCHEDULE_DELAY: '100',
      };
      const entrants = [
        { name: withoutTraces, peer, scenario: { ...scenario, env: quietLog } },
        { name: withTraces, peer, scenario: { ...scenario, env: { ...quietLog, ...traced } } },
      ];
      /** @type {Result[][]} */
      const starts = [];
      for (let i = 0; i < plan.rounds; i += 1) {
        // The process that runs first in a start runs second in the next one.
        const order = i % 2 === 0 ? entrants : [...entrants].reverse();
        const rounds = { rounds: roundsOfStart, roundMs: plan.roundMs };
        starts.push(await measure(order, rounds));
      }
      const [off, on] = [withoutTraces, withTraces].map((name) => together(starts, name));
      if (off === undefined || on === undefined) throw new Error('nothing was measured');
      const costs = ratios(cpuOfStarts(starts, withTraces), cpuOfStarts(starts, withoutTraces));
      const { median } = spread(costs);
      const spans = await collector.ask('taken');
      return {
        about: [
          `${scenario.connections} connections of ${scenario.users} users; each sends its next GET ` +
            'when it has been answered, and the pool takes no time. ' +
            `${plan.rounds} starts of both, in alternating order; ${roundsOfStart} rounds a start, ` +
            `each of ${plan.roundMs} ms, alternating. A ratio is that of a start: CPU of all its ` +
            `rounds, by their calls. The collector is a process of its own, and took ${spans} spans.`,
        ],
        tables: [
          {
            title: `What a call costs; traces may cost at most ${bar}:`,
            ...tableOf(
              '',
              [off, on],
              [
                valueOf(figures.cpu),
                {
                  title: `to ${withoutTraces}`,
                  cell: (result) => (result === on ? shown(costs, 3) : '–'),
                },
                valueOf(figures.perSecond),
              ],
            ),
          },
        ],
        charts: [],
        notes: [
          `traces cost ${median.toFixed(3)}, which is ${median <= bar ? 'within' : 'above'} ${bar}`,
          ...(spans === 0 ? ['the collector took no span: measure for longer'] : []),
          ...doubts([off, on]),
        ],
        data: { scenario, plan, bar, costs, spans, peers: [off, on] },
      };
    });
  },
};

/**
 * @param {readonly Result[][]} starts
 * @param {string} name
 * @returns {Result[]} the results of all starts of that name
 */
function named(starts, name) {
  return starts.flatMap((results) => results.filter((one) => one.name === name));
}

/**
 * @param {readonly Result[][]} starts
 * @param {string} name
 * @returns {Result | undefined} the rounds of all starts
 */
function together(starts, name) {
  const results = named(starts, name);
  const [first] = results;
  return first && { ...first, rounds: results.flatMap(({ rounds }) => rounds) };
}

/**
 * @param {readonly Result[][]} starts
 * @param {string} name
 * @returns {number[]} CPU a call, in µs, of each start
 */
function cpuOfStarts(starts, name) {
  return named(starts, name).map(({ rounds }) => {
    let micros = 0;
    let calls = 0;
    for (const round of rounds) {
      micros += round.cpuMicrosPerCall * round.calls;
      calls += round.calls;
    }
    return micros / calls;
  });
}
