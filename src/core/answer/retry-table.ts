/**
 * What becomes of a call when its request did not end as it should. What decides is whether it can
 * have run: what certainly did not may be sent again, whatever its method; what nobody knows of is
 * asked again only if it is a GET, which changes nothing (RFC 9110 section 9.2.2); a message that
 * was perhaps sent is never sent twice.
 */
import type { Fault, FaultPhase } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';

/** What went wrong with a request, as far as it decides what follows. */
export type Trouble =
  | 'refused'
  | 'refused_part'
  | 'no_batch'
  | 'request_too_large'
  | 'not_read'
  | 'doubted'
  | 'server_error'
  | 'not_understood'
  | 'malformed_part'
  | 'miscounted'
  | 'broken_off'
  | 'answer_too_large'
  | 'connection'
  | 'tls'
  | 'own_mistake';

/** Why a call has no answer yet. */
export interface Upset {
  readonly trouble: Trouble;
  readonly fault: Fault;
  /** The pool's answer, where one may be relayed. */
  readonly reply?: Reply | undefined;
}

/**
 * - `requeue`: back to its place in the queue, and out again when the limit has room.
 * - `smaller`: likewise, in a smaller batch.
 * - `unbatched`: once more, by itself; the pool itself said that it did not run.
 * - `retry`: once more, by itself, if it was not yet and the budget allows; else `relay` if there is
 *   an answer, else `fail`.
 * - `relay`: the caller gets the pool's answer.
 * - `fail`: the caller gets an answer of ours, which says whether the call can have run.
 */
export type Action = 'requeue' | 'smaller' | 'unbatched' | 'retry' | 'relay' | 'fail';

export type BatchedMethod = 'GET' | 'PUT' | 'DELETE' | 'POST';

export interface RetryRow extends Readonly<Record<BatchedMethod, Action>> {
  readonly what: string;
  readonly trouble: Trouble;
  /** Whether the call can have run. */
  readonly phase: FaultPhase;
}

const all = (action: Action): Record<BatchedMethod, Action> => ({
  GET: action,
  PUT: action,
  DELETE: action,
  POST: action,
});
const readsOnly = (read: Action, write: Action): Record<BatchedMethod, Action> => ({
  ...all(write),
  GET: read,
});

export const retryTable: readonly RetryRow[] = [
  {
    what: '429: more outstanding calls than the pool allows; none of them ran',
    trouble: 'refused',
    phase: 'unsent',
    ...all('requeue'),
  },
  {
    what: '429 for one part of a batch',
    trouble: 'refused_part',
    phase: 'unknown',
    ...readsOnly('retry', 'relay'),
  },
  {
    what: '404 not from UCWA, 405, 415 or 501: there is no batch resource',
    trouble: 'no_batch',
    phase: 'unsent',
    ...all('unbatched'),
  },
  {
    what: '413: the batch is too large',
    trouble: 'request_too_large',
    phase: 'unsent',
    ...all('smaller'),
  },
  {
    what: '408 or 421: the batch was not read, or reached the wrong server',
    trouble: 'not_read',
    phase: 'unsent',
    ...all('retry'),
  },
  {
    what: '400, 409, a redirect, or another status that names no part',
    trouble: 'doubted',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    what: '500, 502, 503, 504',
    trouble: 'server_error',
    phase: 'unknown',
    ...readsOnly('retry', 'relay'),
  },
  {
    what: '200, but no answer to a batch: an HTML page, no boundary, no delimiter',
    trouble: 'not_understood',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    what: 'one part that is no HTTP message',
    trouble: 'malformed_part',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    what: 'fewer or more parts than calls',
    trouble: 'miscounted',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    what: 'the answer broke off before this part was whole',
    trouble: 'broken_off',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    what: 'the answer grew too large before this part was whole',
    trouble: 'answer_too_large',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    what: 'no connection: nothing was sent',
    trouble: 'connection',
    phase: 'unsent',
    ...all('retry'),
  },
  {
    what: 'the connection ended, or what came was no HTTP, before an answer',
    trouble: 'connection',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    what: 'no secure connection: a matter of certificates, which no repeat mends',
    trouble: 'tls',
    phase: 'unsent',
    ...all('fail'),
  },
  {
    what: 'the pool ended the secure connection after it was made',
    trouble: 'tls',
    phase: 'unknown',
    ...all('fail'),
  },
  {
    what: 'a mistake of the proxy itself, before anything was sent',
    trouble: 'own_mistake',
    phase: 'unsent',
    ...all('fail'),
  },
  {
    what: 'a mistake of the proxy itself, later',
    trouble: 'own_mistake',
    phase: 'unknown',
    ...all('fail'),
  },
];

const rows = new Map(retryTable.map((row) => [`${row.trouble} ${row.phase}`, row]));

/** What is not in the table is unknown: nobody sends it again. */
export function retryAction(trouble: Trouble, method: string, phase: FaultPhase): Action {
  const row = rows.get(`${trouble} ${phase}`);
  return row?.[method as BatchedMethod] ?? 'fail';
}
