/** The failures that happen in turn under load, in the pool and on the way to it. */
import type { FaultRule } from '../../../src/simulator/faults/fault-script.ts';
import type { Fault } from '../../../src/simulator/faults/fault.ts';
import type { Toxic } from '../../support/relay.ts';

export interface Phase {
  readonly name: string;
  /** Failure on the way to the pool, for that share of the exchanges or connections. */
  readonly relay?: { readonly toxic: Toxic; readonly share: number };
  /** Failure in the pool: the rules apply once per interval. */
  readonly pool?: { readonly rules: readonly FaultRule[]; readonly everyMs: number };
  /** Number of outstanding calls that the pool allows each user. */
  readonly limit?: number;
  /** Whether all connections to the pool are reset at the start of the phase. */
  readonly resetAll?: boolean;
  /** Time from the start of the phase in which the port refuses connections. */
  readonly refusesMs?: number;
  /** Time from the start of the phase in which the pool is paused. */
  readonly standsStillMs?: number;
}

function onTheWay(name: string, toxic: Toxic, share = 0.05): Phase {
  return { name, relay: { toxic, share } };
}

const scenes = ['batch', 'single'] as const;

/** Applies the fault to batches and to single requests, about equally often. */
function toBoth(name: string, fault: Fault | readonly Fault[], everyMs = 50): Phase {
  return { name, pool: { everyMs, rules: scenes.map((kind) => ({ on: { kind }, fault })) } };
}

function to(kind: 'batch' | 'part', name: string, fault: Fault): Phase {
  return { name, pool: { everyMs: 40, rules: [{ on: { kind }, fault }] } };
}

/** An offset that mostly lies in the second part of a batch's answer. */
const inSecondPart = 900;

/** The order separates phases that are alike. */
export const phases: readonly Phase[] = [
  { name: 'nothing' },
  onTheWay('latency', { kind: 'latency', ms: 100, jitterMs: 90 }, 0.3),
  { name: 'a limit of 5', limit: 5 },
  to('batch', 'too few parts', { kind: 'fewerParts', count: 1 }),
  onTheWay('a reset after the head', { kind: 'reset', at: 'head' }),
  toBoth('500 that ran', { kind: 'status', status: 500, execute: true }),
  onTheWay('a narrow line', { kind: 'bandwidth', bytesPerSecond: 8192 }, 0.1),
  toBoth('503 with Retry-After', { kind: 'status', status: 503, headers: ['Retry-After', '0.2'] }),
  onTheWay('an early end', { kind: 'earlyFin', afterBytes: 0 }),
  to('batch', 'a part that is no message', { kind: 'malformedPart', index: 1 }),
  onTheWay('answers that vanish', { kind: 'blackHole', side: 'answer' }, 0.01),
  toBoth('truncated', { kind: 'truncate', afterBytes: inSecondPart }),
  { name: 'connections refused', refusesMs: 300, resetAll: true },
  to('batch', 'too many parts', { kind: 'moreParts', count: 1 }),
  onTheWay('small pieces', { kind: 'slicer', maxBytes: 7 }, 0.1),
  toBoth('429 at random', { kind: 'status', status: 429 }),
  onTheWay('an end within the answer', { kind: 'earlyFin', afterBytes: inSecondPart }),
  to('batch', 'an HTML page', { kind: 'html', execute: true }),
  { ...onTheWay('resets at accept', { kind: 'resetAtAccept' }, 0.5), resetAll: true },
  toBoth('junk of the pool', { kind: 'junk', execute: true }),
  to('batch', 'an answer in small pieces', { kind: 'chunks', sizes: [40, 1, 300], pauseMs: 3 }),
  onTheWay('requests that vanish', { kind: 'blackHole', side: 'request' }, 0.01),
  to('part', '500 of a part', { kind: 'status', status: 500 }),
  to('batch', 'no close delimiter', { kind: 'noCloseDelimiter' }),
  onTheWay('junk on the way', { kind: 'junk', bytes: 'SSH-2.0-OpenSSH_9.2\r\n' }, 0.1),
  toBoth('late', { kind: 'delay', ms: 700 }, 20),
  onTheWay('requests cut short', { kind: 'limit', side: 'request', bytes: 600 }),
  to('batch', '413', { kind: 'status', status: 413 }),
  { name: 'the pool is paused', standsStillMs: 700 },
  toBoth('silence', { kind: 'hang' }, 250),
  to('batch', 'gzip that the proxy did not accept', { kind: 'gzip' }),
  onTheWay('a reset in the middle', { kind: 'reset', at: inSecondPart }),
  to('batch', '400 that ran', { kind: 'status', status: 400, execute: true }),
  to('part', '429 of a part', { kind: 'status', status: 429 }),
  toBoth('a reset before the head', { kind: 'reset', at: 'beforeHead' }),
  to('batch', 'no boundary', { kind: 'noBoundary' }),
  onTheWay('answers cut short', { kind: 'limit', side: 'answer', bytes: 1400 }),
];
