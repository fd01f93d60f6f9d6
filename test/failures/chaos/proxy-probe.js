/**
 * Inspects the proxy from inside: `node --expose-gc --import ./proxy-probe.js dist/main.js serve`.
 * The channel to the parent does not keep the process alive, so the process exits as it would
 * without the probe.
 */
import { readdirSync } from 'node:fs';
import { cpuMicros, serveParent } from '../../bench/children/child-side.js';

const warnings = [];
process.on('warning', ({ name, message }) => void warnings.push(`${name}: ${message}`));

serveParent(
  {},
  {
    /** Live bytes after two full garbage collections. */
    heap() {
      globalThis.gc();
      globalThis.gc();
      return process.memoryUsage().heapUsed;
    },
    cpuMicros,
    rss: () => process.memoryUsage.rss(),
    /**
     * The resources that keep the event loop alive, by kind, and the number of open files and
     * sockets.
     */
    resources: () => ({
      active: process.getActiveResourcesInfo().sort(),
      openFiles: readdirSync('/proc/self/fd').length,
    }),
    /** Warnings of Node, for example about too many listeners. */
    warnings: () => warnings,
  },
);
process.channel.unref();
