/**
 * Uses more than one core as docs/deployment.md describes: two processes behind a balancer that
 * hashes users.
 */
import { quietLog } from '../measure/stages.js';
import { runnable } from '../peers/registry.js';
import { barsOf, doubts, figures, ratioOf, tableOf, valueOf } from '../report/columns.js';
import { availableParallelism } from 'node:os';

const file = new URL('../peers/behind-balancer.js', import.meta.url);

/** @param {'nginx' | 'haproxy'} balancer @param {number} count */
const behind = (balancer, count) => ({
  name: `${count} behind ${balancer}`,
  file,
  options: { balancer, count },
  needs: [balancer],
});

/** Number of cores with which each process has its own. */
const wantedCores = 5;

/** @type {import('./registry.js').Part} */
export const processes = {
  name: 'processes',
  title: 'Two processes',
  plans: { usual: { rounds: 6, roundMs: 1200 }, quick: { rounds: 1, roundMs: 300 } },
  async run({ peers: chosen, plan, measure }) {
    const usual = [
      behind('nginx', 1),
      behind('nginx', 2),
      behind('haproxy', 1),
      behind('haproxy', 2),
    ];
    const { peers, leftOut } = runnable(chosen ?? usual);
    const scenario = { connections: 200, users: 200, atOnce: 10, doors: 2, env: quietLog };
    const results = await measure(
      peers.map((peer) => ({ name: peer.name, peer, scenario })),
      plan,
    );
    /** @param {import('../report/columns.js').Result} result of the variant with one process */
    const one = ({ name }) => results.find((other) => other.name === name.replace(/^2/, '1'));
    /** @param {import('../report/columns.js').Figure} figure */
    const toOne = (figure) =>
      ratioOf('to one process', figure, (result) => ({ over: result, under: one(result) }));
    const { perSecond, requests, parts, cpu, busiest } = figures;
    const cores = availableParallelism();
    return {
      about: [
        'The recipes of `helm/examples/affinity`, with one and with two processes of this proxy ' +
          'behind them; 200 connections, 200 users. Ten connections ask for one user at once, and ' +
          'for the next when all ten are answered. The pool has an address for each process, and ' +
          'the run fails when an application comes through both. CPU is that of the balancer and ' +
          'of the processes together.',
      ],
      tables: [
        tableOf('', results, [
          valueOf(perSecond),
          toOne(perSecond),
          valueOf(requests),
          toOne(requests),
          ...[parts, cpu, busiest].map(valueOf),
        ]),
      ],
      charts: [{ name: 'processes', title: 'Calls a second', bars: barsOf(results, perSecond) }],
      notes: [
        ...leftOut,
        ...(cores < wantedCores
          ? [
              `pool, load generator, balancer and two processes share ${cores} cores here, so calls ` +
                'a second say little of what a second process adds',
            ]
          : []),
        ...doubts(results),
      ],
      data: { plan, peers: results },
    };
  },
};
