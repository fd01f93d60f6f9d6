/**
 * Looks into the proxy from within: `node --expose-gc --import ./proxy-probe.js dist/main.js serve`.
 * The channel to the parent does not keep the process alive, so it ends as it would without.
 */
import { readdirSync } from 'node:fs';
import { cpuMicros, serveParent } from '../../bench/children/child-side.js';

const warnings = [];
process.on('warning', ({ name, message }) => void warnings.push(`${name}: ${message}`));

serveParent(
  {},
  {
    /** Bytes that live after two full collections. */
    heap() {
      globalThis.gc();
      globalThis.gc();
      return process.memoryUsage().heapUsed;
    },
    cpuMicros,
    rss: () => process.memoryUsage.rss(),
    /** What keeps the event loop alive, by kind, and how many files and sockets are open. */
    resources: () => ({
      active: process.getActiveResourcesInfo().sort(),
      openFiles: readdirSync('/proc/self/fd').length,
    }),
    /** What Node itself warned of, as too many listeners. */
    warnings: () => warnings,
  },
);
process.channel.unref();
