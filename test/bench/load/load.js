/**
 * The load generator, a process of its own. Says nothing of itself; `open`, `run`, `visit`, `park`,
 * `waiting`, `close`, `mark` are asked of it.
 */
import { cpuMicros, serveParent } from '../children/child-side.js';
import { percentile } from '../report/statistics.js';
import { userAt, usualBodyBytes } from '../workload.js';
import { Connection } from './connection.js';

/** The longest that a call may be without an answer, once the round is over. */
const answerWithinMs = 20_000;
/** What a listening socket takes at once without losing any. */
const opensAtOnce = 500;

/** @type {Connection[]} */
let connections = [];

/** Opens more until there are so many. @param {{ url: string, connections: number }} shape */
async function open({ url, connections: wanted }) {
  const target = new URL(url);
  while (connections.length < wanted) {
    const count = Math.min(opensAtOnce, wanted - connections.length);
    const indexes = Array.from({ length: count }, (_, index) => connections.length + index);
    const opened = await Promise.all(indexes.map((index) => Connection.open(target, index)));
    connections.push(...opened);
  }
}

/**
 * Groups of connections, each of which asks for one user at a time, all at once, and for the next
 * when all have been answered.
 *
 * @param {number} atOnce connections of a group
 * @param {number} bodyBytes of each answer
 * @param {(group: number, turn: number, groups: number) => number | undefined} userFor a group's next
 *   turn, whose connections are so many; `undefined`: it is done
 * @returns {Promise<number[]>} latencies in ms; rejects at the first answer that is not the right one
 */
function drive(atOnce, bodyBytes, userFor) {
  /** @type {number[]} */
  const latencies = [];
  const groups = Math.ceil(connections.length / atOnce);
  return new Promise((resolve, failed) => {
    let running = groups;
    for (let group = 0; group < groups; group += 1) {
      const members = connections.slice(group * atOnce, (group + 1) * atOnce);
      let turn = 0;
      let unanswered = 0;
      const begin = () => {
        const user = userFor(group, turn, groups);
        if (user === undefined) {
          running -= 1;
          if (running === 0) resolve(latencies);
          return;
        }
        turn += 1;
        unanswered = members.length;
        const caller = userAt(user);
        for (const member of members) member.ask(caller, bodyBytes, { answered, failed });
      };
      /** @param {number} latencyMs */
      const answered = (latencyMs) => {
        latencies.push(latencyMs);
        unanswered -= 1;
        if (unanswered === 0) begin();
      };
      begin();
    }
  });
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
 * @param {{ durationMs: number, maxCalls: number, users: number, atOnce: number, bodyBytes: number }} bounds
 * @returns {Promise<LoadResult>} when every call has been answered
 */
async function run({ durationMs, maxCalls, users, atOnce, bodyBytes }) {
  const startedAtMs = performance.now();
  // Not always the same first: who was asked for a moment ago is known better than others.
  const first = Math.floor(Math.random() * users);
  let calls = 0;
  const latencies = await within(
    durationMs + answerWithinMs,
    drive(atOnce, bodyBytes, (group, turn, groups) => {
      if (calls >= maxCalls || performance.now() - startedAtMs >= durationMs) return undefined;
      calls += atOnce;
      return (first + group + turn * groups) % users;
    }),
  );
  const wallMs = performance.now() - startedAtMs;
  const ascending = Float64Array.from(latencies).sort();
  return {
    calls: latencies.length,
    wallMs,
    p50Ms: percentile(ascending, 0.5),
    p95Ms: percentile(ascending, 0.95),
    p99Ms: percentile(ascending, 0.99),
  };
}

/**
 * One call for each user of a range.
 *
 * @param {{ from: number, to: number, bodyBytes: number, withinMs: number }} range
 */
async function visit({ from, to, bodyBytes, withinMs }) {
  let next = from;
  await within(
    withinMs,
    drive(1, bodyBytes, () => {
      next += 1;
      return next > to ? undefined : next - 1;
    }),
  );
}

/**
 * Sends a call on each connection of a range, and waits for none.
 *
 * @param {{ from: number, to: number, atOnce: number }} shape calls of one user
 */
function park({ from, to, atOnce }) {
  const listener = { answered: () => undefined, failed: () => undefined };
  connections.slice(from, to).forEach((one, index) => {
    one.ask(userAt(Math.floor((from + index) / atOnce)), usualBodyBytes, listener);
  });
}

/** @returns {number} calls that wait for their answers */
const waiting = () => connections.filter((one) => one.pendingPath !== '').length;

/**
 * @template T
 * @param {number} ms
 * @param {Promise<T>} all
 * @returns {Promise<T>}
 */
async function within(ms, all) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const first = connections.find((one) => one.pendingPath !== '')?.pendingPath;
      reject(new Error(`${waiting()} calls were never answered, among them ${first}`));
    }, ms);
  });
  return Promise.race([all, late]).finally(() => clearTimeout(timer));
}

function close() {
  for (const connection of connections) connection.close();
  connections = [];
}

const mark = () => ({ cpuMicros: cpuMicros() });

serveParent({}, { open, run, visit, park, waiting, close, mark });
