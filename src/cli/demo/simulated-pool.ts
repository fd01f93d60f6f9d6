/**
 * The simulated pool of the demo, as a process of its own, so that its CPU time can be measured. It ends with
 * its parent. Ctrl-C reaches it too, and changes nothing: the proxy stops first.
 */
import { realisticLatency } from '../../simulator/pool/latency.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import type { PoolCounts, PoolRequest } from './pool-process.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);

/** Much longer than all other routes of the scenes. */
const searchMs = 400;

const simulator = await startSimulator({
  applications: 'any',
  latency: (route, random) =>
    route === 'people/search' ? searchMs : realisticLatency(route, random),
});

function counts(): PoolCounts {
  const { requests, connections } = simulator.stats();
  const { user, system } = process.cpuUsage();
  return { requests, connections, cpuMs: (user + system) / 1000 };
}

process.on('message', ({ limit }: PoolRequest) => {
  if (limit !== undefined) simulator.setLimit(limit);
  process.send?.(counts());
});
process.on('disconnect', () => void simulator.stop());
process.send?.(simulator.url);
