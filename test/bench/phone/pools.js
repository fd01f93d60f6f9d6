/**
 * Simulated pools of this project, as a child of the benchmark: one for each way of a phone. They
 * speak HTTPS, and compress what a client accepts compressed, as IIS does.
 *
 * The options are `{ dist, count, cert, key, serviceMs, factor }`; the fact is `{ urls }`.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { childOptions, serveParent } from '../children/child-side.js';

/** @type {{ dist: string, count: number, cert: string, key: string, serviceMs: number, factor: number }} */
const { dist, count, cert, key, serviceMs, factor } = childOptions();
const { startSimulator } = await import(new URL('simulator/simulator.js', dist).href);

/** Time after which IIS closes an idle connection. */
const idleMs = 120_000;
/** What Node adds to this time. */
const nodeAddsMs = 1000;

const pools = await Promise.all(
  Array.from({ length: count }, () =>
    startSimulator({
      tls: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') },
      latency: serviceMs,
      keepAliveTimeoutMs: idleMs / factor - nodeAddsMs,
      eventSecondMs: 1000 / factor,
      limit: 1000,
    }),
  ),
);

/** @typedef {{ pool: number, user: string, changes: import('./app.js').Change[] }} Raised */

/**
 * Resolves when this number of polls waits at the pool.
 *
 * @param {number} pool
 * @param {number} count
 */
async function polls(pool, count) {
  while (pools[pool].stats().parkedPolls !== count) await delay(1);
}

serveParent(
  { urls: pools.map(({ url }) => url) },
  {
    /** @returns {number} requests so far, batches counted once */
    requests: (/** @type {number} */ pool) => pools[pool].stats().requests,
    /** Publishes changes, in one answer of the event channel, as soon as a poll waits for them. */
    raise: async (/** @type {Raised} */ { pool, user, changes }) => {
      await polls(pool, 1);
      const events = changes.map((change) => ({ type: 'updated', ...change }));
      pools[pool].raise(user, ...events);
    },
    /** Resolves when a poll waits for events. */
    polling: (/** @type {number} */ pool) => polls(pool, 1),
    /** Resolves when no poll waits any more. */
    quiet: (/** @type {number} */ pool) => polls(pool, 0),
  },
);
