/** Endings of requests that failed. */
import type { FailureCause, Fault } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';
import { retryAfterMs } from './retry-after.ts';
import { headerValue, type RawHeaders } from '../messages/http-message.ts';
import type { Ending } from './ending.ts';

const retryAfterField = ['Retry-After', '1'];

/**
 * Returns the ending of a request that got a response which answers none of its calls.
 *
 * @param headers the fields of the response; `Retry-After` is read from them
 * @param reply the response, if it may be relayed to a caller. A refusal without `Retry-After` gets one of a
 *   second.
 */
export function failureWithAnswer(
  cause: FailureCause,
  fault: Fault,
  headers: RawHeaders,
  reply?: Reply,
): Ending {
  const retryAfter = headerValue(headers, 'retry-after');
  const ending = {
    kind: 'failure' as const,
    cause,
    fault,
    retryAfterMs: retryAfterMs(retryAfter, headerValue(headers, 'date')),
  };
  if (reply === undefined) return ending;
  const isBare = cause === 'refused' && retryAfter === undefined;
  if (!isBare) return { ...ending, reply };
  // The encoded head lacks the new field.
  const headersOut = [...reply.headers, ...retryAfterField];
  return { ...ending, reply: { ...reply, headers: headersOut, head: undefined } };
}

/**
 * Returns the ending of a request that failed with its connection.
 *
 * @param begun whether the body of a batch response had begun to arrive
 */
export function lostConnection(fault: Fault, begun: boolean): Ending {
  if (begun) return { kind: 'failure', cause: 'broken_off', fault };
  const isTls = fault.name.startsWith('tls_');
  return { kind: 'failure', cause: isTls ? 'tls' : 'connection', fault };
}
