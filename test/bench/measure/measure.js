/**
 * The core of the benchmark. Rounds alternate between the entrants, so that a drift of the machine
 * affects all of them alike. No call is in flight when a round begins and ends, so the counters of
 * a round belong to exactly its calls.
 */
import { cpus } from 'node:os';
import { onStages } from './stages.js';

/** @typedef {import('./stages.js').Entrant} Entrant */
/** @typedef {import('./stages.js').Stage} Stage */

/** Warm-up of an entrant before its first round, and before each round, in rounds. Not measured. */
const warmUpRounds = 4;
const settleRounds = 0.2;
/** Upper bound of calls in a round. */
const maxCalls = 500_000;
/** Time beyond the duration of a round in which its last calls must end. */
const patienceMs = 30_000;
/** Time limit for one call per user. */
const visitWithinMs = 120_000;

/**
 * @typedef {object} Plan
 * @property {number} rounds of each entrant
 * @property {number} roundMs measured time of each round
 * @property {number} [warmUpRounds] rounds that each peer runs before its first measured one
 */

/**
 * @typedef {object} Round
 * @property {number} calls
 * @property {number} callsPerSecond
 * @property {number} cpuMicrosPerCall of the peer's processes, user and system
 * @property {number} poolCpuMicrosPerCall
 * @property {number} upstreamRequestsPerCall
 * @property {number} p50Ms
 * @property {number} p95Ms
 * @property {number} p99Ms
 * @property {{ singles: number, batches: number, parts: number, through: number[] }} pool requests
 *   that reached the pool, and their number by address
 * @property {{ peer: number, pool: number, load: number, others: number }} busy CPU time by wall
 *   time: 1 is one core; `others` is all other work of the machine
 */

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {string} about
 * @property {Round[]} rounds
 */

/**
 * @param {readonly Entrant[]} entrants
 * @param {Plan} plan
 * @param {import('./stages.js').Surroundings & { progress: (text: string) => void }} options
 * @returns {Promise<Result[]>} rejects when an answer is wrong or a process fails
 */
export async function measure(entrants, plan, { progress, ...surroundings }) {
  return onStages(entrants, surroundings, async (stages) => {
    const runs = stages.map((stage, i) => {
      const { name = '' } = entrants[i] ?? {};
      /** @type {Result} */
      const result = { name, about: stage.peer.facts.about, rounds: [] };
      return { stage, result };
    });
    for (const { stage, result } of runs) {
      progress(`warming up ${result.name}`);
      await onConnections(stage, () =>
        warmUp(stage, plan.roundMs * (plan.warmUpRounds ?? warmUpRounds)),
      );
    }
    for (let round = 1; round <= plan.rounds; round += 1) {
      for (const { stage, result } of runs) {
        progress(`round ${round} of ${plan.rounds}: ${result.name}`);
        await onConnections(stage, async () => {
          await run(stage, plan.roundMs * settleRounds);
          result.rounds.push(await measuredRun(stage, plan.roundMs));
        });
      }
    }
    return runs.map(({ result }) => result);
  });
}

/**
 * @param {Stage} stage
 * @param {() => Promise<unknown>} work
 */
async function onConnections({ peer, load, scenario: { connections, streams } }, work) {
  const { url, ca } = peer.facts;
  await load.ask('open', { url, ca, connections, streams }, patienceMs);
  await work();
  await load.ask('close');
}

/**
 * @param {Stage} stage
 * @param {number} durationMs
 */
async function warmUp(stage, durationMs) {
  const { visitAll, users, bodyBytes } = stage.scenario;
  if (visitAll) {
    const visit = { from: 0, to: users, bodyBytes, withinMs: visitWithinMs };
    await stage.load.ask('visit', visit, visitWithinMs + patienceMs);
  }
  await run(stage, durationMs);
}

/**
 * @param {Stage} stage
 * @param {number} durationMs
 * @returns {Promise<import('../load/load.js').LoadResult>}
 */
function run({ load, scenario: { users, atOnce, bodyBytes } }, durationMs) {
  const bounds = { durationMs, maxCalls, users, atOnce, bodyBytes };
  return load.ask('run', bounds, durationMs + patienceMs);
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
  if (after.pool.strays > 0) {
    throw new Error(`${after.pool.strays} requests came through another proxy than their like`);
  }
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
    poolCpuMicrosPerCall: cpuMicros('pool') / calls,
    upstreamRequestsPerCall: counted('requests') / calls,
    ...latencies,
    pool: {
      singles: counted('singles'),
      batches: counted('batches'),
      parts: counted('parts'),
      through: after.pool.through.map(
        (/** @type {number} */ count, /** @type {number} */ door) =>
          count - before.pool.through[door],
      ),
    },
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

/** @returns {number} busy time of all cores so far, of all processes */
function machineCpuMicros() {
  let ms = 0;
  for (const { times } of cpus()) ms += times.user + times.nice + times.sys + times.irq;
  return ms * 1000;
}
