/**
 * Collapse: identical GETs that are held together share a part. Identical is what the pool would
 * see of them, save the ids by which a client finds its own call in a log.
 */
import { endToEndHeaders, type RawHeaders } from '../../messages/http-message.ts';
import type { Call } from '../state.ts';

const correlationIds: ReadonlySet<string> = new Set([
  'client-request-id',
  'x-ms-correlation-id',
  'traceparent',
  'tracestate',
  'content-length',
]);

/** The call in its stream whose part the call may share. */
export function leaderFor<T>(call: Call<T>): Call<T> | undefined {
  if (!call.collapsible) return undefined;
  const { queue, user } = call.stream;
  return queue.find(
    (held) =>
      held.collapsible &&
      // Who was put back after a fault has no second chance to share.
      held.mayRepeat &&
      held.target === call.target &&
      held.behind === call.behind &&
      !user.order.hasWriteSince(held) &&
      keyOf(held) === keyOf(call),
  );
}

/** Made once a call, and only where another call asks for the same. */
function keyOf<T>(call: Call<T>): string {
  return (call.collapseKey ??= sharedHeadersOf(call.headers));
}

/** What identical calls have in common besides their target. */
export function sharedHeadersOf(headers: RawHeaders): string {
  return endToEndHeaders(headers, correlationIds).join('\n');
}
