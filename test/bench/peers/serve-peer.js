import { childOptions, cpuMicros, serveParent } from '../children/child-side.js';

/**
 * @typedef {object} PeerOptions
 * @property {[string, ...string[]]} poolUrls one for each door of the pool
 * @property {Record<string, string>} [env] settings, for peers that have settings
 * @property {string} [dist] URL of the build of this proxy
 */

/**
 * @typedef {object} StartedPeer
 * @property {string} url
 * @property {string} about
 * @property {() => number | Promise<number>} [cpuMicros] CPU time of its processes so far; by
 *   default of this process
 * @property {Record<string, unknown>} [facts] other facts
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

/**
 * @returns {{ heapBytes: number, residentBytes: number }} after garbage collection, if it is
 *   exposed
 */
function memory() {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, residentBytes: rss };
}
