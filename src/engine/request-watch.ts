import type { Ending } from '../core/answer/ending.ts';
import type { Fault } from '../core/messages/fault.ts';
import type { Reply } from '../core/messages/reply.ts';
import type { Batch } from '../core/schedule/state.ts';
import type { Caller } from './caller.ts';

/**
 * Learns of each request to the pool, and takes notes of what it needs. It keeps no batch, changes none, and does not
 * throw.
 */
export interface RequestWatch {
  /** The request is about to be sent. */
  sent(batch: Batch<Caller>): void;
  /** A part of the answer is complete. */
  part(batch: Batch<Caller>, index: number, reply: Reply | Fault, nowMs: number): void;
  /** The request has ended, and each of its calls is answered, or waits to be sent again. */
  ended(batch: Batch<Caller>, ending: Ending, nowMs: number): void;
}
