/**
 * The form of the rows: one for each way in which something between a caller and the pool can fail,
 * numbered as in the list that they were drawn up from (docs/decisions/008-failure-rows.md).
 */
import type { Script } from '../../support/scripted-pool.ts';
import type { FaultRule } from '../../../src/simulator/faults/fault-script.ts';

export type Method = 'GET' | 'PUT' | 'DELETE' | 'POST';
export const methods: readonly Method[] = ['GET', 'PUT', 'DELETE', 'POST'];

/**
 * What its caller gets, how often it ran, and the requests that brought it to the pool.
 *
 * The answer: `own`, that of the resource, as if nothing had happened; `pool`, what the pool said
 * instead, to the byte; `503 no` and the like, ours, with what it says of `executed`; `mirrored`,
 * that of the call at the other end of the batch.
 *
 * The requests: their parts, in order: `3 1` is a batch of three, then alone; `3 <3` a smaller batch
 * or alone; `3 …` whatever follows; `0` a batch that the pool did not read; nothing for a call that
 * was never sent.
 */
export type Seen = readonly [answer: string, ran: number, sent: string];

export type EachMethod = Readonly<Record<Method, Seen>>;

/** Where the calls are sent to, where that is not the simulated pool. */
export type Elsewhere =
  | 'nobody listens'
  | 'a name that does not exist'
  | 'a port that answers no SYN'
  | 'https to a port without TLS'
  | 'a certificate that nobody vouches for'
  | { readonly script: Script };

export type Case = EachMethod & {
  readonly name: string;
  /** What happens to a batch of three, once; in the simulator's words. */
  readonly fault?: FaultRule['fault'];
  /** To whom, and how often, where it is not one batch. */
  readonly rule?: Omit<FaultRule, 'fault'>;
  readonly elsewhere?: Elsewhere;
  /** `alone`: one call, not three of a batch. `passed through`: by `X-Ucwa-Batch: never`. */
  readonly travels?: 'alone' | 'passed through';
  /** Positions that are hit; the others get their own answer, having run once. Default: all. */
  readonly hit?: readonly number[];
  /** Whether the pool answers a batch before, over the same connection. */
  readonly warm?: boolean;
  /** Deadline of the callers, in milliseconds. */
  readonly withinMs?: number;
  /** Of the body of each PUT and POST. */
  readonly bodyBytes?: number;
  /** What the metrics count: `kind` of `ucwa_proxy_protocol_errors_total`, and how often. */
  readonly counted?: readonly [kind: string, times: number];
};

export interface Row {
  readonly row: number;
  readonly fault: string;
  readonly cases: readonly Case[];
}

export const all = (seen: Seen): EachMethod => ({ GET: seen, PUT: seen, DELETE: seen, POST: seen });

export const reads = (get: Seen, write: Seen): EachMethod => ({ ...all(write), GET: get });

/** In the second of three parts of any answer. */
export const inSecondPart = 500;
