/** Measures the proxy's memory for each connection, call and user: the slopes between two sizes. */
import { setTimeout as delay } from 'node:timers/promises';
import { onStages, quietLog } from '../measure/stages.js';
import { ours, peersNamed } from '../peers/registry.js';
import { usualBodyBytes } from '../workload.js';

/** After this idle time the proxy keeps only the learned state of a user. */
const keptWholeMs = 10_000;
const withinMs = 60_000;
const callsAtOnce = 10;
/** Longer than the part takes. The proxy retries a call at half of its deadline. */
const neverMs = 300_000;
const patient = { ...quietLog, UCWA_PROXY_UPSTREAM_TIMEOUT_MS: String(neverMs * 2) };

/** @typedef {import('../measure/stages.js').Stage} Stage */
/** @typedef {{ heapBytes: number, residentBytes: number }} Memory */
/** @typedef {{ items: number, memory: Memory }} Point */

/**
 * @typedef {object} Kind
 * @property {string} what
 * @property {string} bound the setting of `limits` that bounds the number
 * @property {Point[]} points
 */

/** @type {import('./registry.js').Part} */
export const memory = {
  name: 'memory',
  title: 'Memory',
  plans: { usual: { rounds: 1, roundMs: 1 }, quick: { rounds: 1, roundMs: 1 } },
  async run({ peers, quick, dist, progress }) {
    const [peer] = /** @type {[import('../peers/registry.js').Peer]} */ (peers ?? peersNamed(ours));
    const [few, many] = quick ? [200, 800] : [1000, 5000];
    const scenarios = [
      { connections: many, users: 20 },
      { connections: many, users: many / callsAtOnce, serviceMs: neverMs },
      { connections: 50, users: many * 8 },
    ];
    const entrants = scenarios.map((scenario) => ({
      name: peer.name,
      peer,
      scenario: { ...scenario, env: patient },
    }));
    const surroundings = { peerFlags: ['--expose-gc'], dist };
    const { kinds, limits } = await onStages(entrants, surroundings, async (stages) => {
      const [idle, parked, visited] = /** @type {[Stage, Stage, Stage]} */ (stages);
      progress('idle connections');
      const kinds = [await idleConnections(idle, [few, many])];
      progress('parked calls');
      kinds.push(await parkedCalls(parked, [few, many]));
      progress('users');
      kinds.push(await recentUsers(visited, [few, many]));
      if (!quick) kinds.push(await rememberedUsers(visited, [many * 2, many * 8]));
      return { kinds, limits: idle.peer.facts.limits ?? {} };
    });
    return {
      about: [
        'Heap (with buffers outside it) after garbage collection, and what the system holds for the ' +
          'process, at two sizes; what lies between them, divided by how many more there were. ' +
          `Tokens have 400 bytes. A parked call waits for an answer of the pool, ${callsAtOnce} calls ` +
          'to a user; its connection is not in it. A user of a moment ago has called within 10 s; a ' +
          'remembered one has not.',
      ],
      tables: [tableOfKinds(kinds, limits)],
      charts: [],
      notes: quick ? ['remembered users are left out of --quick'] : [],
      data: { kinds },
    };
  },
};

/**
 * @param {Stage} stage
 * @param {readonly number[]} sizes
 * @returns {Promise<Kind>}
 */
async function idleConnections({ peer, load, scenario: { users, bodyBytes } }, sizes) {
  const points = [];
  await open(load, peer, 50);
  await oneCallEach(50);
  for (const size of sizes) {
    await open(load, peer, size);
    await oneCallEach(size);
    points.push({ items: size, memory: await settled(peer) });
  }
  await load.ask('close');
  return { what: 'idle connection, which has had an answer', bound: 'maxConnections', points };

  /** @param {number} maxCalls */
  function oneCallEach(maxCalls) {
    const bounds = { durationMs: withinMs, maxCalls, users, atOnce: 1, bodyBytes };
    return load.ask('run', bounds, withinMs);
  }
}

/**
 * @param {Stage} stage
 * @param {readonly number[]} sizes
 * @returns {Promise<Kind>}
 */
async function parkedCalls({ peer, load, scenario: { connections } }, sizes) {
  const points = [];
  await open(load, peer, connections);
  let from = 0;
  for (const size of sizes) {
    await load.ask('park', { from, to: size, atOnce: callsAtOnce });
    from = size;
    points.push({ items: size, memory: await settled(peer) });
  }
  const waiting = await load.ask('waiting');
  if (waiting !== from) throw new Error(`${waiting} calls are parked, not ${from}`);
  await load.ask('close');
  return { what: 'parked call', bound: 'maxQueuedCalls', points };
}

/**
 * @param {Stage} stage
 * @param {readonly number[]} sizes
 * @returns {Promise<Kind>}
 */
async function recentUsers(stage, sizes) {
  const startedAtMs = performance.now();
  const points = await visited(stage, sizes);
  const isLate = performance.now() - startedAtMs > keptWholeMs;
  const what = `user of a moment ago${isLate ? ' (some longer ago)' : ''}`;
  return { what, bound: 'maxUsers', points };
}

/**
 * @param {Stage} stage
 * @param {readonly number[]} sizes
 * @returns {Promise<Kind>}
 */
async function rememberedUsers(stage, sizes) {
  const points = await visited(stage, sizes, async () => {
    await delay(keptWholeMs + 500);
    // The proxy checks idle users only when a call arrives.
    await visit(stage.load, 0, 1);
  });
  return { what: 'remembered user', bound: 'maxUsers', points };
}

/**
 * @param {Stage} stage
 * @param {readonly number[]} sizes
 * @param {() => Promise<void>} [afterwards]
 * @returns {Promise<Point[]>}
 */
async function visited({ peer, load }, sizes, afterwards) {
  const points = [];
  await open(load, peer, 50);
  let from = 0;
  for (const size of sizes) {
    await visit(load, from, size);
    await afterwards?.();
    from = size;
    points.push({ items: size, memory: await settled(peer) });
  }
  await load.ask('close');
  return points;
}

/**
 * @param {import('../children/child.js').Child} load
 * @param {number} from
 * @param {number} to
 */
function visit(load, from, to) {
  return load.ask('visit', { from, to, bodyBytes: usualBodyBytes, withinMs }, withinMs);
}

/**
 * @param {import('../children/child.js').Child} load
 * @param {import('../children/child.js').Child} peer
 * @param {number} connections
 */
function open(load, peer, connections) {
  return load.ask('open', { url: peer.facts.url, connections }, withinMs);
}

/**
 * @param {import('../children/child.js').Child} peer
 * @returns {Promise<Memory>} the memory once it is stable, or after 20 checks
 */
async function settled(peer) {
  /** @type {Memory} */
  let before = await peer.ask('memory');
  for (let looks = 0; looks < 20; looks += 1) {
    await delay(200);
    /** @type {Memory} */
    const now = await peer.ask('memory');
    if (Math.abs(now.heapBytes - before.heapBytes) < before.heapBytes / 500) return now;
    before = now;
  }
  return before;
}

/**
 * @param {readonly Kind[]} kinds
 * @param {Record<string, number>} limits
 */
function tableOfKinds(kinds, limits) {
  const columns = ['of each', 'heap, bytes', 'resident, bytes', 'bound', 'heap at the bound, MiB'];
  return {
    columns: [...columns, 'resident at the bound, MiB'],
    rows: kinds.map(({ what, bound, points }) => {
      const each = [slope(points, 'heapBytes'), slope(points, 'residentBytes')];
      const cap = limits[bound];
      const bytes = each.map((one) => one.toFixed(0));
      if (cap === undefined) return [what, ...bytes, '–', '–', '–'];
      const atBound = each.map((one) => ((one * cap) / 1024 ** 2).toFixed(0));
      return [what, ...bytes, `\`limits.${bound}\`, ${cap}`, ...atBound];
    }),
  };
}

/**
 * @param {readonly Point[]} points two points, the smaller one first
 * @param {keyof Memory} which
 */
function slope([small, large], which) {
  if (small === undefined || large === undefined) return NaN;
  return (large.memory[which] - small.memory[which]) / (large.items - small.items);
}
