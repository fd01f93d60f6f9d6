/**
 * Collapse: identical GETs that are held together share a part. Two GETs are identical if the pool gets the
 * same request for both, apart from ids that clients use to correlate their logs.
 */
import { endToEndHeaders, type RawHeaders } from '../../messages/http-message.ts';
import type { Call } from '../state.ts';

const correlationIds: ReadonlySet<string> = new Set([
  'x-request-id',
  'client-request-id',
  'x-ms-correlation-id',
  'traceparent',
  'tracestate',
  'content-length',
]);

/** Returns the held call that the new call can follow. */
export function leaderFor<T>(call: Call<T>): Call<T> | undefined {
  if (!call.collapsible) return undefined;
  const { queue, user } = call.stream;
  return queue.find(
    (held) =>
      held.collapsible &&
      // A call that was put back after a failure takes no new followers.
      held.mayRetry &&
      held.target === call.target &&
      // An urgent call does not wait with another one. The urgency is not always among the compared headers.
      held.urgency === call.urgency &&
      held.blockedBy === call.blockedBy &&
      !user.order.hasWriteSince(held) &&
      keyOf(held) === keyOf(call),
  );
}

/** Computed at most once for each call, and only if another call has the same target. */
function keyOf<T>(call: Call<T>): string {
  return (call.collapseKey ??= sharedHeadersOf(call.headers));
}

/** Returns the headers that identical calls have in common, as one string. */
export function sharedHeadersOf(headers: RawHeaders): string {
  return endToEndHeaders(headers, correlationIds).join('\n');
}
