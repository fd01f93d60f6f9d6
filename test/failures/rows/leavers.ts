/**
 * Failure rows 39 to 42 of docs/decisions/008-failure-rows.md: callers that leave, and the answers of those
 * that stay. `row.ts` explains the tuples.
 */
import type { Fault } from '../../../src/simulator/faults/fault.ts';
import { all, type EachMethod, type Method, reads } from './row.ts';

export interface Leaving {
  readonly row: number;
  readonly name: string;
  /**
   * Number of callers that leave. `stage` is their stage, as in `ucwa_proxy_client_aborts_total`.
   */
  readonly leavers: number;
  readonly callers: number;
  readonly stage: 'held' | 'sent' | 'passthrough';
  readonly fault?: Fault | readonly Fault[];
  /** The fate of the calls of the callers that leave. Instead of an answer it says `gone`. */
  readonly left: EachMethod;
  readonly stayed: EachMethod;
  /** Number of batches that the pool answers with 200, as `ucwa_proxy_upstream_responses_total` counts them. */
  readonly answers: Readonly<Record<Method, number>>;
}

const slow = { kind: 'delay', ms: 300 } as const;
const none: Leaving['answers'] = { GET: 0, PUT: 0, DELETE: 0, POST: 0 };
const one: Leaving['answers'] = { GET: 1, PUT: 1, DELETE: 1, POST: 1 };

export const leavings: readonly Leaving[] = [
  {
    row: 39,
    name: 'before its call is sent',
    leavers: 1,
    callers: 4,
    stage: 'held',
    left: all(['gone', 0, '']),
    stayed: all(['own', 1, '3']),
    answers: one,
  },
  {
    row: 40,
    name: 'while its batch is in flight',
    leavers: 1,
    callers: 3,
    stage: 'sent',
    fault: slow,
    left: all(['gone', 1, '3']),
    stayed: all(['own', 1, '3']),
    answers: one,
  },
  {
    row: 40,
    name: 'while its batch is in flight and then refused: its call is not retried',
    leavers: 1,
    callers: 3,
    stage: 'sent',
    fault: [slow, { kind: 'status', status: 429 }],
    left: all(['gone', 0, '3']),
    stayed: all(['own', 1, '3 <3']),
    answers: none,
  },
  {
    row: 41,
    name: 'with all callers of its batch: GETs are aborted, writes go on',
    leavers: 3,
    callers: 3,
    stage: 'sent',
    fault: slow,
    left: reads(['gone', 0, '3'], ['gone', 1, '3']),
    stayed: all(['own', 1, '3']),
    answers: { ...one, GET: 0 },
  },
  {
    row: 42,
    name: 'while its call is passed through: the request to the pool is aborted',
    leavers: 1,
    callers: 1,
    stage: 'passthrough',
    fault: { kind: 'hang' },
    left: all(['gone', 1, '1']),
    stayed: all(['own', 1, '3']),
    answers: none,
  },
];
