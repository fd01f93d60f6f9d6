import { childOptions, cpuMicros, serveParent } from '../children/child-side.js';

/**
 * Runs a peer as a child of the benchmark. A peer that is no Node program gives its own
 * `cpuMicros`, of its processes so far; without one it is this process that is measured.
 *
 * @param {(poolUrl: string) => Promise<{ url: string, about: string, cpuMicros?: () => number }>} start
 */
export async function servePeer(start) {
  const { url, about, cpuMicros: own = cpuMicros } = await start(childOptions().poolUrl);
  serveParent({ url, about }, { mark: () => ({ cpuMicros: own() }) });
}
