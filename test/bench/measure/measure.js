/**
 * The core of the benchmark: rounds that alternate between the peers, so that a machine which drifts
 * drifts for all of them. A round begins and ends with no call under way, so what the processes
 * counted in between belongs to exactly its calls.
 */
import { cpus } from 'node:os';
import { Child } from '../children/child.js';

const poolFile = new URL('../pool/pool.js', import.meta.url);
const loadFile = new URL('../load/load.js', import.meta.url);

/** What a peer runs before its first round, and before each, in rounds; not measured. */
const warmUpRounds = 2.5;
const settleRounds = 0.2;
/** No round sends more. */
const maxCalls = 500_000;
/** Beyond a round's duration, for whatever its calls still wait for. */
const patienceMs = 15_000;

/**
 * @typedef {object} Plan
 * @property {number} rounds of each peer
 * @property {number} roundMs of each round, measured
 */

/**
 * @typedef {object} Round
 * @property {number} calls
 * @property {number} callsPerSecond
 * @property {number} cpuMicrosPerCall of the peer's process, user and system
 * @property {number} upstreamRequestsPerCall
 * @property {number} p50Ms
 * @property {number} p95Ms
 * @property {number} p99Ms
 * @property {{ singles: number, batches: number, parts: number }} pool what reached it
 * @property {{ peer: number, pool: number, load: number, others: number }} busy CPU time by wall
 *   time, 1 is one core; `others`: whatever else the machine did
 */

/**
 * @typedef {object} PeerResult
 * @property {string} name
 * @property {string} about
 * @property {Round[]} rounds
 */

/** @typedef {{ peer: Child, pool: Child, load: Child }} Stage */

/**
 * @param {import('../scenarios/registry.js').Scenario} scenario
 * @param {readonly import('../peers/registry.js').Peer[]} peers
 * @param {Plan} plan
 * @param {{ peerFlags: readonly string[], progress: (text: string) => void }} options flags of Node
 *   for the peers' processes
 * @returns {Promise<PeerResult[]>} rejects when an answer is wrong or a process fails
 */
export async function measure(scenario, peers, plan, { peerFlags, progress }) {
  /** @type {Child[]} */
  const children = [];
  /**
   * @param {string} name
   * @param {URL} file
   * @param {object} options
   * @param {readonly string[]} [flags]
   */
  const start = async (name, file, options, flags) => {
    const child = await Child.start(name, file, options, flags);
    children.push(child);
    return child;
  };
  try {
    const pool = await start('pool', poolFile, scenario);
    const load = await start('load generator', loadFile, {});
    /** @type {Array<{ stage: Stage, result: PeerResult }>} */
    const runs = [];
    for (const { name, file } of peers) {
      const peer = await start(name, file, { poolUrl: pool.facts.url }, peerFlags);
      const result = { name, about: peer.facts.about, rounds: [] };
      runs.push({ stage: { peer, pool, load }, result });
    }
    for (const { stage, result } of runs) {
      progress(`warming up ${result.name}`);
      await onConnections(scenario, stage, () => run(stage, plan.roundMs * warmUpRounds));
    }
    for (let round = 1; round <= plan.rounds; round += 1) {
      for (const { stage, result } of runs) {
        progress(`round ${round} of ${plan.rounds}: ${result.name}`);
        await onConnections(scenario, stage, async () => {
          await run(stage, plan.roundMs * settleRounds);
          result.rounds.push(await measuredRun(stage, plan.roundMs));
        });
      }
    }
    return runs.map(({ result }) => result);
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}

/**
 * @param {import('../scenarios/registry.js').Scenario} scenario
 * @param {Stage} stage
 * @param {() => Promise<unknown>} work
 */
async function onConnections({ connections, users }, { peer, load }, work) {
  await load.ask('open', { url: peer.facts.url, connections, users });
  await work();
  await load.ask('close');
}

/**
 * @param {Stage} stage
 * @param {number} durationMs
 * @returns {Promise<import('../load/load.js').LoadResult>}
 */
function run({ load }, durationMs) {
  return load.ask('run', { durationMs, maxCalls }, durationMs + patienceMs);
}

/**
 * @param {Stage} stage
 * @param {number} durationMs
 * @returns {Promise<Round>}
 */
async function measuredRun(stage, durationMs) {
  const before = await marks(stage);
  const { calls, wallMs, ...latencies } = await run(stage, durationMs);
  const after = await marks(stage);
  /** @param {'peer' | 'pool' | 'load' | 'machine'} who */
  const cpuMicros = (who) => after[who].cpuMicros - before[who].cpuMicros;
  /** @param {'requests' | 'singles' | 'batches' | 'parts'} what */
  const counted = (what) => after.pool[what] - before.pool[what];
  /** @param {'peer' | 'pool' | 'load' | 'machine'} who */
  const share = (who) => cpuMicros(who) / 1000 / wallMs;
  const busy = { peer: share('peer'), pool: share('pool'), load: share('load') };
  const others = Math.max(0, share('machine') - busy.peer - busy.pool - busy.load);
  return {
    calls,
    callsPerSecond: (calls * 1000) / wallMs,
    cpuMicrosPerCall: cpuMicros('peer') / calls,
    upstreamRequestsPerCall: counted('requests') / calls,
    ...latencies,
    pool: { singles: counted('singles'), batches: counted('batches'), parts: counted('parts') },
    busy: { ...busy, others },
  };
}

/** @param {Stage} stage */
async function marks({ peer, pool, load }) {
  const [ofPeer, ofPool, ofLoad] = await Promise.all(
    [peer, pool, load].map((child) => child.ask('mark')),
  );
  return { peer: ofPeer, pool: ofPool, load: ofLoad, machine: { cpuMicros: machineCpuMicros() } };
}

/** @returns {number} what all cores have worked so far, whoever for */
function machineCpuMicros() {
  let ms = 0;
  for (const { times } of cpus()) ms += times.user + times.nice + times.sys + times.irq;
  return ms * 1000;
}
