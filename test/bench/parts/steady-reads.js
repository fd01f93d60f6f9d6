/**
 * Many clients that ask again as soon as they get an answer. Each peer runs as fast as it can, so
 * CPU per call is its cost. The pool answers at once.
 */
import { ours, peerNames, peersNamed, runnable } from '../peers/registry.js';
import { barsOf, doubts, figures, ratioOf, tableOf, valueOf } from '../report/columns.js';

const scenario = { connections: 200, users: 20 };

/** @type {import('./registry.js').Part} */
export const steadyReads = {
  name: 'steady-reads',
  title: 'Beside other proxies',
  // Many short rounds pair better than few long ones. The long warm-up lets Node compile, as in
  // days of use.
  plans: {
    usual: { rounds: 12, roundMs: 1000, warmUpRounds: 10 },
    quick: { rounds: 3, roundMs: 400 },
  },
  async run({ peers: chosen, plan, measure }) {
    const { peers, leftOut } = runnable(chosen ?? peersNamed(...peerNames));
    const results = await measure(
      peers.map((peer) => ({ name: peer.name, peer, scenario })),
      plan,
    );
    const us = results.find(({ name }) => name === ours);
    /** @param {import('../report/columns.js').Figure} figure */
    const oursToIt = (figure) =>
      ratioOf('ours to it', figure, (result) => ({ over: us, under: result }));
    const { cpu, requests, poolCpu, perSecond, p50, p95, p99, parts, singly } = figures;
    const { peerBusy, poolBusy, loadBusy, othersBusy } = figures;
    return {
      about: [
        `${scenario.connections} connections of ${scenario.users} users; each sends its next GET ` +
          'when it has been answered; answers have 290 bytes; the pool takes no time. ' +
          `${plan.rounds} rounds each of ${plan.roundMs} ms, alternating; every answer is checked. ` +
          'Each figure is the median of the rounds, with the least and the most; a ratio is taken ' +
          'round by round.',
        results.map(({ name, about }) => `- \`${name}\`: ${about}`).join('\n'),
      ],
      tables: [
        {
          title: 'What a call costs:',
          ...tableOf('', results, [
            ...[cpu, requests, poolCpu].flatMap((figure) => [valueOf(figure), oursToIt(figure)]),
          ]),
        },
        {
          title: 'How fast it is, at full load:',
          ...tableOf('', results, [
            valueOf(perSecond),
            oursToIt(perSecond),
            ...[p50, p95, p99, parts, singly].map(valueOf),
          ]),
        },
        {
          title: 'Who took how much of a core meanwhile:',
          ...tableOf('', results, [peerBusy, poolBusy, loadBusy, othersBusy].map(valueOf)),
        },
      ],
      charts: [
        { name: 'peers', title: 'CPU of the proxy, µs a call', bars: barsOf(results, cpu) },
        { name: 'pool', title: 'CPU of the pool, µs a call', bars: barsOf(results, poolCpu) },
      ],
      notes: [...leftOut, ...doubts(results)],
      data: { scenario, plan, peers: results },
    };
  },
};
