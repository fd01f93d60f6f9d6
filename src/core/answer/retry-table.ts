/**
 * The action for each call of a failed request. The action depends on whether the call can have run. A call
 * that certainly did not run may be sent again, whatever its method. A call that may have run is retried only
 * if it is a GET, because a GET changes nothing (RFC 9110 section 9.2.2). So no chat message is ever sent
 * twice.
 */
import type { Fault, FailureCause, FaultPhase } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';

/** The failure of a call's last request. */
export interface CallFailure {
  readonly cause: FailureCause;
  readonly fault: Fault;
  /** The pool's response, if it may be relayed. */
  readonly reply?: Reply | undefined;
}

/**
 * - `requeue`: the call returns to its place in the queue, and is sent again under the learned limit.
 * - `smaller`: like `requeue`, but in a smaller batch.
 * - `unbatched`: the call is sent again in a request of its own. It did not run, so this costs no retry budget.
 * - `retry`: the call is sent again in a request of its own, once, if the retry budget allows it. Otherwise the
 *   caller gets the pool's response if there is one, else the proxy's own.
 * - `relay`: the caller gets the pool's response.
 * - `fail`: the caller gets a response of the proxy, which says whether the call can have run.
 */
export type Action = 'requeue' | 'smaller' | 'unbatched' | 'retry' | 'relay' | 'fail';

export type BatchedMethod = 'GET' | 'PUT' | 'DELETE' | 'POST';

/** The action for each method after one failure. */
export interface RetryRow extends Readonly<Record<BatchedMethod, Action>> {
  readonly description: string;
  readonly cause: FailureCause;
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
    description: '429: more outstanding calls than the pool allows; none of them ran',
    cause: 'refused',
    phase: 'unsent',
    ...all('requeue'),
  },
  {
    description: '429 for one part of a batch',
    cause: 'refused_part',
    phase: 'unknown',
    ...readsOnly('retry', 'relay'),
  },
  {
    description: '404 not from UCWA, 405, 415 or 501: the pool has no batch resource',
    cause: 'no_batch',
    phase: 'unsent',
    ...all('unbatched'),
  },
  {
    description: '413: the batch is too large',
    cause: 'request_too_large',
    phase: 'unsent',
    ...all('smaller'),
  },
  {
    description: '408 or 421: the batch was not read, or reached the wrong server',
    cause: 'not_read',
    phase: 'unsent',
    ...all('retry'),
  },
  {
    description: '400, 409, a redirect, or another status that concerns an unknown part',
    cause: 'doubted',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    description: '500, 502, 503, 504',
    cause: 'server_error',
    phase: 'unknown',
    ...readsOnly('retry', 'relay'),
  },
  {
    description: '200 without parts: an HTML page, no boundary, or no delimiter',
    cause: 'not_understood',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    description: 'one part is no HTTP message',
    cause: 'malformed_part',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    description: 'the response has fewer or more parts than calls',
    cause: 'miscounted',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    description: 'the response broke off before this part was complete',
    cause: 'broken_off',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    description: 'the response became too large before this part was complete',
    cause: 'answer_too_large',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    description: 'no connection: nothing was sent',
    cause: 'connection',
    phase: 'unsent',
    ...all('retry'),
  },
  {
    description: 'the connection ended, or its bytes were no HTTP, before a response',
    cause: 'connection',
    phase: 'unknown',
    ...readsOnly('retry', 'fail'),
  },
  {
    description: 'no TLS connection: a retry cannot fix certificates',
    cause: 'tls',
    phase: 'unsent',
    ...all('fail'),
  },
  {
    description: 'the pool ended the TLS connection after the handshake',
    cause: 'tls',
    phase: 'unknown',
    ...all('fail'),
  },
  {
    description: 'a bug of the proxy, before the request was sent',
    cause: 'own_mistake',
    phase: 'unsent',
    ...all('fail'),
  },
  {
    description: 'a bug of the proxy, after the request was sent',
    cause: 'own_mistake',
    phase: 'unknown',
    ...all('fail'),
  },
];

const rows = new Map(retryTable.map((row) => [`${row.cause} ${row.phase}`, row]));

/** Returns the action for a call of a failed request. A case without a row is not sent again. */
export function retryAction(cause: FailureCause, method: string, phase: FaultPhase): Action {
  const row = rows.get(`${cause} ${phase}`);
  return row?.[method as BatchedMethod] ?? 'fail';
}
