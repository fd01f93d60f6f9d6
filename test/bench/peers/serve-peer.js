import { childOptions, cpuMicros, serveParent } from '../children/child-side.js';

/**
 * @typedef {object} PeerOptions
 * @property {[string, ...string[]]} poolUrls one for each door of the pool
 * @property {Record<string, string>} [env] settings, for whom it has any
 * @property {string} [dist] the build of ours that is measured, as a URL
 */

/**
 * @typedef {object} StartedPeer
 * @property {string} url
 * @property {string} about
 * @property {() => number | Promise<number>} [cpuMicros] of its processes so far; without it this
 *   process is measured
 * @property {Record<string, unknown>} [facts] whatever else is of interest
 */

/**
 * Runs a peer as a child of the benchmark.
 *
 * @param {(options: PeerOptions & Record<string, any>) => Promise<StartedPeer>} start
 */
export async function servePeer(start) {
  const { url, about, cpuMicros: own = cpuMicros, facts = {} } = await start(childOptions());
  serveParent(
    { ...facts, url, about },
    { mark: async () => ({ cpuMicros: await own() }), memory: () => memory() },
  );
}

/** @returns {{ heapBytes: number, residentBytes: number }} once garbage is collected, where it can be */
function memory() {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, residentBytes: rss };
}
