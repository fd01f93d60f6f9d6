/** The cost of a call over HTTP/2 with TLS, beside nginx and HAProxy. The pool answers at once. */
import { ours, peersNamed, runnable } from '../peers/registry.js';
import { makeCertificate } from '../programs/certificate.js';
import { lacking } from '../programs/installed.js';
import { barsOf, doubts, figures, ratioOf, tableOf, valueOf } from '../report/columns.js';

const [sessions, streams] = [20, 10];
const scenario = {
  connections: sessions * streams,
  users: 20,
  atOnce: streams,
  streams,
};

/** @type {import('./registry.js').Part} */
export const overHttp2 = {
  name: 'over-http2',
  title: 'Over HTTP/2, beside other proxies',
  plans: {
    usual: { rounds: 12, roundMs: 1000, warmUpRounds: 10 },
    quick: { rounds: 3, roundMs: 400 },
  },
  async run({ peers: chosen, plan, measure }) {
    const missing = lacking('openssl');
    const { peers, leftOut } = runnable(chosen ?? peersNamed(ours, 'nginx', 'haproxy'));
    const able =
      missing === undefined
        ? peers.filter(({ name }) => name !== ours || !process.version.startsWith('v20.'))
        : [];
    const options = missing === undefined ? makeCertificate() : {};
    const results = await measure(
      able.map((peer) => ({ name: peer.name, peer: { ...peer, options }, scenario })),
      plan,
    );
    const us = results.find(({ name }) => name === ours);
    /** @param {import('../report/columns.js').Figure} figure */
    const oursToIt = (figure) =>
      ratioOf('ours to it', figure, (result) => ({ over: us, under: result }));
    const { cpu, requests, poolCpu, perSecond, p50, p95 } = figures;
    const { peerBusy, poolBusy, loadBusy, othersBusy } = figures;
    return {
      about: [
        `${sessions} connections of HTTP/2 with TLS 1.3, each with ${streams} calls at once of ` +
          `one user, and with the next ones when all are answered; answers have 290 bytes; the ` +
          'pool takes no time and speaks HTTP/1.1 without TLS. ' +
          `${plan.rounds} rounds each of ${plan.roundMs} ms, alternating; every answer is checked. ` +
          'All have one certificate and one thread for calls. The clients are a process with ' +
          'node:http2, which may limit the calls a second.',
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
          ...tableOf('', results, [perSecond, p50, p95].map(valueOf)),
        },
        {
          title: 'Who took how much of a core meanwhile:',
          ...tableOf('', results, [peerBusy, poolBusy, loadBusy, othersBusy].map(valueOf)),
        },
      ],
      charts: [
        {
          name: 'http2',
          title: 'CPU of the proxy over HTTP/2, µs a call',
          bars: barsOf(results, cpu),
        },
      ],
      notes: [
        ...leftOut,
        ...(missing === undefined ? [] : [`all are left out: ${missing}`]),
        ...(able.length < peers.length && missing === undefined
          ? [`${ours} is left out: it serves no HTTP/2 under Node 20`]
          : []),
        ...doubts(results),
      ],
      data: { scenario, plan, peers: results },
    };
  },
};
