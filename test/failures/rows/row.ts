/**
 * The form of the rows. Each row is one way in which something between a caller and the pool can
 * fail. docs/decisions/008-failure-rows.md explains the numbers.
 */
import type { Script } from '../../support/scripted-pool.ts';
import type { FaultRule } from '../../../src/simulator/faults/fault-script.ts';

export type Method = 'GET' | 'PUT' | 'DELETE' | 'POST';
export const methods: readonly Method[] = ['GET', 'PUT', 'DELETE', 'POST'];

/**
 * The answer to a call, the number of times it ran, and the requests that carried it to the pool.
 *
 * The answer:
 * - `own`: the answer of the resource, as without a failure;
 * - `pool`: the pool's error, byte for byte;
 * - `503 no` and the like: the proxy's own answer, with its value of `executed`;
 * - `mirrored`: the answer of the call at the opposite position of the batch.
 *
 * The requests, by their number of parts: `3 1` is a batch of three, then a single request. `3 <3`
 * is a batch of three, then a smaller request. `3 …` is a batch of three, then anything. `0` is a
 * batch that the pool did not read. Nothing stands for a call that was never sent.
 */
export type Seen = readonly [answer: string, ran: number, sent: string];

export type EachMethod = Readonly<Record<Method, Seen>>;

/** The destination of the calls, if it is not the simulated pool. */
export type Elsewhere =
  | 'no listener'
  | 'a name that does not exist'
  | 'a port that answers no SYN'
  | 'https to a port without TLS'
  | 'an untrusted certificate'
  | { readonly script: Script };

export type Case = EachMethod & {
  readonly name: string;
  /** The fault that a batch of three meets once, as the simulator names it. */
  readonly fault?: FaultRule['fault'];
  /** Which requests meet the fault, and how often. The default is one batch. */
  readonly rule?: Omit<FaultRule, 'fault'>;
  readonly elsewhere?: Elsewhere;
  /** `alone`: one call, not three in a batch. `passed through`: by `X-Ucwa-Batch: never`. */
  readonly travels?: 'alone' | 'passed through';
  /**
   * Positions of the calls that the fault affects. The others run once and get their own answers.
   * Default: all.
   */
  readonly hit?: readonly number[];
  /** Whether the pool has answered a batch over the same connection before. */
  readonly warm?: boolean;
  /** Deadline of the callers, in milliseconds. */
  readonly withinMs?: number;
  /** Length of the body of each PUT and POST. */
  readonly bodyBytes?: number;
  /** The `kind` of `ucwa_proxy_protocol_errors_total` that the metrics count, and how often. */
  readonly counted?: readonly [kind: string, times: number];
};

export interface Row {
  readonly row: number;
  readonly fault: string;
  readonly cases: readonly Case[];
}

export const all = (seen: Seen): EachMethod => ({ GET: seen, PUT: seen, DELETE: seen, POST: seen });

export const reads = (get: Seen, write: Seen): EachMethod => ({ ...all(write), GET: get });

/** An offset in the second of three parts of any answer. */
export const inSecondPart = 500;
