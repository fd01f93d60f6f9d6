import type { RefusalReason } from '../core/admit/admit.ts';

/** Status of a refusal by a limit: 429 if the limit is that of a user or client address, 408 for slow clients. */
export const overflowStatus: Record<
  Extract<
    RefusalReason,
    `${string}queue_${string}` | 'long_polls' | 'bound_connections' | 'newcomers' | 'slow_request'
  >,
  number
> = {
  long_polls: 503,
  bound_connections: 503,
  queue_calls: 503,
  queue_bytes: 503,
  newcomers: 429,
  slow_request: 408,
  user_queue_calls: 429,
  user_queue_bytes: 429,
};
