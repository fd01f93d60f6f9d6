/** The failures of a run: in the pool, and of each connection. */
import type { FrontEnd } from '../../src/simulator/server/front-end.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { FaultRule } from '../../src/simulator/faults/fault-script.ts';
import { phases } from '../failures/chaos/phases.ts';
import type { DirectionPlan, Failure } from './network/line.ts';
import type { ConnectionPlan } from './network/memory-network.ts';
import type { Choice } from './random-choice.ts';

/** Failures of the pool. Compression runs in threads of Node, so it has no place in virtual time. */
const poolRules: readonly FaultRule[] = phases
  .flatMap(({ pool }) => pool?.rules ?? [])
  .filter(({ fault }) => !('kind' in fault) || fault.kind !== 'gzip');

/** How much harm is done to the connections of one kind. */
export interface Harm {
  /** Share of the connections that fail. */
  readonly failing: number;
  readonly failures: readonly Failure[];
  /** Share of the connections whose bytes come in small pieces. */
  readonly sliced: number;
  readonly refused: number;
  readonly maxDelayMs: number;
  /** Share of the connections whose answers come twice. */
  readonly echoing: number;
}

const noHarm: Harm = {
  failing: 0,
  failures: ['reset'],
  sliced: 0,
  refused: 0,
  maxDelayMs: 1,
  echoing: 0,
};

export function randomHarm(choose: Choice, failures: readonly Failure[], echoing: number): Harm {
  return {
    failing: choose.of([0, 0.05, 0.2, 0.6]),
    failures,
    sliced: choose.of([0, 0.1, 0.5]),
    refused: choose.of([0, 0, 0.05, 0.2]),
    maxDelayMs: choose.magnitude(0.1, 20),
    echoing: choose.of([0, echoing]),
  };
}

export function planConnection(choose: Choice, harm: Harm | undefined): ConnectionPlan {
  const { refused, maxDelayMs } = harm ?? noHarm;
  return {
    up: planDirection(choose, harm ?? noHarm),
    down: planDirection(choose, harm ?? noHarm),
    echoes: choose.chance((harm ?? noHarm).echoing),
    opensAfterMs: choose.random() * maxDelayMs,
    opening: choose.chance(refused) ? choose.of(['refused', 'reset']) : 'accepted',
  };
}

function planDirection(choose: Choice, harm: Harm): DirectionPlan {
  // Each of the two directions fails half as often.
  const fails = choose.chance(harm.failing / 2);
  const isSliced = choose.chance(harm.sliced);
  return {
    delayMs: choose.random() * harm.maxDelayMs,
    jitterMs: choose.random() * harm.maxDelayMs,
    maxPiece: isSliced ? Math.round(choose.magnitude(1, 200)) : 16_384,
    failsAt: fails ? Math.floor(choose.magnitude(1, 20_000)) : Infinity,
    failure: choose.of(harm.failures),
    stallMs: choose.magnitude(10, 3000),
  };
}

/**
 * Adds a random rule of failure again and again.
 *
 * @returns ends the failures
 */
export function harmPool(
  choose: Choice,
  pool: Simulator,
  count: (fault: string) => void,
): () => Promise<void> {
  const everyMs = choose.of([undefined, 500, 100, 30]);
  const timer = setInterval(() => {
    pool.faults.clear();
    if (everyMs === undefined) return;
    pool.faults.add(choose.of(poolRules));
    count('fault of the pool');
    if (choose.chance(0.05)) pool.setLimit(choose.of([3, 5, 12, 40, 100]));
  }, everyMs ?? 1000);
  return () => {
    clearInterval(timer);
    pool.faults.clear();
    pool.setLimit(100);
    return Promise.resolve();
  };
}

/**
 * Lets one of several servers fail again and again.
 *
 * @returns ends the failures
 */
export function harmServers(
  choose: Choice,
  servers: readonly FrontEnd[],
  count: (fault: string) => void,
): () => Promise<void> {
  const everyMs = choose.of([undefined, 3000, 700]);
  if (servers.length < 2 || everyMs === undefined) return () => Promise.resolve();
  let failing: FrontEnd | undefined;
  // One change after the other: a server that recovers must listen before it can fail again.
  let changes = Promise.resolve();
  const change = async (): Promise<void> => {
    await failing?.recover();
    failing = choose.of(servers);
    count('failure of a server');
    await failing.fail(choose.of(['down', 'frozen', 'unavailable']));
  };
  const timer = setInterval(() => {
    changes = changes.then(change);
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await changes;
    await failing?.recover();
  };
}
