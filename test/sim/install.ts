/** Replaces time, randomness and network of this process, before the modules that use them are loaded. */
import { installNetwork } from './network/install-network.ts';
import { MemoryNetwork } from './network/memory-network.ts';
import { Randomness } from './randomness.ts';
import { installTime, type OpenTimers } from './time/install-time.ts';
import { VirtualTime } from './time/virtual-time.ts';

export interface World {
  readonly time: VirtualTime;
  readonly timers: OpenTimers;
  readonly network: MemoryNetwork;
  readonly randomness: Randomness;
  /** Milliseconds of the real clock. */
  readonly realMs: () => number;
}

export function install(): World {
  const realMs = performance.now.bind(performance);
  const time = new VirtualTime();
  const timers = installTime(time);
  const randomness = new Randomness();
  randomness.install();
  const network = new MemoryNetwork(time);
  installNetwork(network);
  return { time, timers, network, randomness, realMs };
}
