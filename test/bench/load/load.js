/**
 * The load generator, a process of its own. Says nothing of itself; `open`, `run`, `close`, `mark`
 * are asked of it.
 */
import { cpuMicros, serveParent } from '../children/child-side.js';
import { percentile } from '../measure/statistics.js';
import { userAt } from '../workload.js';
import { Connection } from './connection.js';

/** The longest that a call may be without an answer, once the round is over. */
const answerWithinMs = 10_000;

/** @type {Connection[]} */
let connections = [];

/** @param {{ url: string, connections: number, users: number }} shape */
async function open({ url, connections: count, users }) {
  const target = new URL(url);
  const indexes = Array.from({ length: count }, (_, index) => index);
  connections = await Promise.all(
    indexes.map((index) => Connection.open(target, userAt(index % users), index)),
  );
}

/**
 * @typedef {object} LoadResult From a moment without calls to the next one.
 * @property {number} calls
 * @property {number} wallMs
 * @property {number} p50Ms
 * @property {number} p95Ms
 * @property {number} p99Ms
 */

/**
 * @param {{ durationMs: number, maxCalls: number }} bounds
 * @returns {Promise<LoadResult>} when every call has been answered
 */
async function run({ durationMs, maxCalls }) {
  /** @type {number[]} */
  const latencies = [];
  const startedAtMs = performance.now();
  let calls = 0;
  const round = {
    wantsMore() {
      if (calls >= maxCalls || performance.now() - startedAtMs >= durationMs) return false;
      calls += 1;
      return true;
    },
    /** @param {number} latencyMs */
    answered: (latencyMs) => void latencies.push(latencyMs),
  };
  await within(durationMs + answerWithinMs, Promise.all(connections.map((one) => one.run(round))));
  const wallMs = performance.now() - startedAtMs;
  const ascending = Float64Array.from(latencies).sort();
  return {
    calls,
    wallMs,
    p50Ms: percentile(ascending, 0.5),
    p95Ms: percentile(ascending, 0.95),
    p99Ms: percentile(ascending, 0.99),
  };
}

/**
 * @param {number} ms
 * @param {Promise<unknown>} all
 */
async function within(ms, all) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const waiting = connections.filter((one) => one.pendingPath !== '');
      const first = waiting[0]?.pendingPath;
      reject(new Error(`${waiting.length} calls were never answered, among them ${first}`));
    }, ms);
  });
  await Promise.race([all, late]).finally(() => clearTimeout(timer));
}

function close() {
  for (const connection of connections) connection.close();
  connections = [];
}

serveParent({}, { open, run, close, mark: () => ({ cpuMicros: cpuMicros() }) });
