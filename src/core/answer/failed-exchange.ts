/** Endings of requests that brought no answer to their calls. */
import type { Fault } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Trouble } from './retry-table.ts';
import { headerValue, type RawHeaders } from '../messages/http-message.ts';
import type { Ending } from './ending.ts';

const comeAgain = ['Retry-After', '1'];

/** The pool answered, and what it says is none of the calls' answers; `reply`: may be relayed. */
export function troubleWithAnswer(
  trouble: Trouble,
  fault: Fault,
  headers: RawHeaders,
  reply?: Reply,
): Ending {
  const retryAfter = headerValue(headers, 'retry-after');
  const ending = {
    kind: 'trouble' as const,
    trouble,
    fault,
    retryAfterMs: retryAfterMs(retryAfter, headerValue(headers, 'date')),
  };
  if (reply === undefined) return ending;
  const isBare = trouble === 'refused' && retryAfter === undefined;
  if (!isBare) return { ...ending, reply };
  // The head that was made of it does not say so.
  const headersOut = [...reply.headers, ...comeAgain];
  return { ...ending, reply: { ...reply, headers: headersOut, head: undefined } };
}

/** `begun`: the parts had begun to come. */
export function lostConnection(fault: Fault, begun: boolean): Ending {
  if (begun) return { kind: 'trouble', trouble: 'broken_off', fault };
  const isTls = fault.name.startsWith('tls_');
  return { kind: 'trouble', trouble: isTls ? 'tls' : 'connection', fault };
}
