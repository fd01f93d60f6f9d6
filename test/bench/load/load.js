/**
 * The load generator, in its own process. The parent asks `open`, `run`, `visit`, `park`,
 * `waiting`, `close`, `mark`.
 */
import { cpuMicros, serveParent } from '../children/child-side.js';
import { percentile } from '../report/statistics.js';
import { userAt, usualBodyBytes } from '../workload.js';
import { Connection } from './connection.js';
import { openHttp2 } from './http2-streams.js';

/** Time limit for an answer after the end of the round. */
const answerWithinMs = 20_000;
/** Number of connections opened at a time, which the accept queue can hold. */
const opensAtOnce = 500;

/** @type {Array<Pick<Connection, 'ask' | 'close' | 'pendingPath'>>} */
let connections = [];

/**
 * Opens connections until that number are open.
 *
 * @param {{ url: string, connections: number, streams?: number, ca?: string }} shape with `streams`,
 *   so many of them are streams of one connection of HTTP/2
 */
async function open({ url, connections: wanted, streams = 0, ca }) {
  if (streams > 0) {
    connections = await openHttp2({ url, ca }, wanted / streams, streams);
    return;
  }
  const target = new URL(url);
  while (connections.length < wanted) {
    const count = Math.min(opensAtOnce, wanted - connections.length);
    const indexes = Array.from({ length: count }, (_, index) => connections.length + index);
    const opened = await Promise.all(indexes.map((index) => Connection.open(target, index)));
    connections.push(...opened);
  }
}

/**
 * Drives groups of connections. The connections of a group call for one user at once. The group
 * takes the next user when all calls have answers.
 *
 * @param {number} atOnce connections of a group
 * @param {number} bodyBytes length of each answer's body
 * @param {(group: number, turn: number, groups: number) => number | undefined} userFor returns the
 *   user of a group's next turn, or `undefined` if the group is done
 * @returns {Promise<number[]>} latencies in ms; rejects at the first wrong answer
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
 * @typedef {object} LoadResult Measured from one moment without calls to another.
 * @property {number} calls
 * @property {number} wallMs
 * @property {number} p50Ms
 * @property {number} p95Ms
 * @property {number} p99Ms
 */

/**
 * @param {{ durationMs: number, maxCalls: number, users: number, atOnce: number, bodyBytes: number }} bounds
 * @returns {Promise<LoadResult>} resolves when every call has an answer
 */
async function run({ durationMs, maxCalls, users, atOnce, bodyBytes }) {
  const startedAtMs = performance.now();
  // A random first user, because a proxy may still have data of the user that came last.
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
 * Makes one call for each user of a range.
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
 * Sends a call on each connection of a range, and does not wait for answers.
 *
 * @param {{ from: number, to: number, atOnce: number }} shape `atOnce` calls of one user
 */
function park({ from, to, atOnce }) {
  const listener = { answered: () => undefined, failed: () => undefined };
  connections.slice(from, to).forEach((one, index) => {
    one.ask(userAt(Math.floor((from + index) / atOnce)), usualBodyBytes, listener);
  });
}

/** @returns {number} number of calls that wait for an answer */
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
