import {
  startSimulator,
  type Simulator,
  type SimulatorOptions,
} from '../../src/simulator/simulator.ts';
import { onCleanup } from './cleanup.ts';

/** Starts a simulated pool that answers at once and knows every application. */
export async function startPool(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({ latency: 0, applications: 'any', ...options });
  onCleanup(() => simulator.stop());
  return simulator;
}
