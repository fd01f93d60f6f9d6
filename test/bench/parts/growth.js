/** Measures the cost of a call as one quantity grows: variants of one load alternate in one run. */
import { quietLog } from '../measure/stages.js';
import { availableFiles } from '../programs/installed.js';
import { ours, peersNamed, runnable } from '../peers/registry.js';
import { barsOf, doubts, figures, ratioOf, tableOf, valueOf } from '../report/columns.js';

/** @typedef {import('../measure/stages.js').Scenario} Scenario */
/** @typedef {import('../measure/stages.js').Entrant & { label: string }} Variant */

/**
 * @typedef {object} Growth
 * @property {string} name
 * @property {string} title
 * @property {string} about
 * @property {string} what name of the quantity that grows
 * @property {Record<'usual' | 'quick', ReadonlyArray<{ label: string, scenario: Scenario }>>} variants
 * @property {readonly string[]} [beside] other peers to measure
 * @property {import('./registry.js').Part['plans']} [plans]
 */

const usualPlans = {
  usual: { rounds: 6, roundMs: 1000, warmUpRounds: 10 },
  quick: { rounds: 2, roundMs: 300 },
};
/** Open files of a process other than its connections. */
const otherFiles = 300;

/**
 * @param {Growth} growth
 * @returns {import('./registry.js').Part}
 */
export function growthPart({
  name,
  title,
  about,
  what,
  variants,
  beside = [],
  plans = usualPlans,
}) {
  return {
    name,
    title,
    plans,
    async run({ peers: chosen, plan, quick, measure }) {
      const { peers, leftOut } = runnable(chosen ?? peersNamed(ours, ...beside));
      /** @type {Variant[]} */
      const entrants = [];
      for (const { label, scenario } of quick ? variants.quick : variants.usual) {
        if (availableFiles() < scenario.connections + otherFiles) {
          leftOut.push(`${label} is left out: only ${availableFiles()} open files are allowed`);
          continue;
        }
        const env = { ...quietLog, ...scenario.env };
        for (const peer of peers) {
          const entrant = peers.length === 1 ? label : `${label}, ${peer.name}`;
          entrants.push({ name: entrant, label, peer, scenario: { ...scenario, env } });
        }
      }
      const results = await measure(entrants, plan);
      /**
       * @param {import('../report/columns.js').Result} result
       * @param {(entrant: Variant, own: Variant) => boolean} fits
       */
      const other = (result, fits) => {
        const own = entrants[results.indexOf(result)];
        return results.find((_, i) => own !== undefined && fits(entrants[i] ?? own, own));
      };
      const first = entrants[0]?.label ?? '';
      const toFirst = ratioOf(`CPU, to ${first}`, figures.cpu, (result) => ({
        over: result,
        under: other(result, ({ label, peer }, own) => label === first && peer === own.peer),
      }));
      const toIt = ratioOf('ours to it', figures.cpu, (result) => ({
        over: other(result, ({ label, peer }, own) => label === own.label && peer.name === ours),
        under: result,
      }));
      return {
        about: [
          `${about} ${plan.rounds} rounds each of ${plan.roundMs} ms, alternating; every answer is checked.`,
        ],
        tables: [
          tableOf(what, results, [
            valueOf(figures.cpu),
            toFirst,
            ...(peers.length > 1 ? [toIt] : []),
            ...[figures.requests, figures.parts, figures.perSecond, figures.p50].map(valueOf),
          ]),
        ],
        charts: [
          {
            name,
            title: `CPU of the proxy, µs a call, by ${what}`,
            bars: barsOf(results, figures.cpu),
          },
        ],
        notes: [...leftOut, ...doubts(results)],
        data: { plan, peers: results },
      };
    },
  };
}
