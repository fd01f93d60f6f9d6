/** The headers that `X-Ucwa-Batch: explain` adds to an answer. */
import type { ReplyHead } from '../core/messages/reply.ts';
import type { Batch, Call } from '../core/schedule/state.ts';

/** Returns the answer with headers about the handling of the call. */
export function explained<T, R extends ReplyHead>(
  reply: R,
  call: Call<T>,
  batch: Batch<T>,
  nowMs: number,
): R {
  const slot = call.leader ?? call;
  const holdMs = Math.max(0, batch.readyAtMs - call.queuedAtMs);
  const queueMs = batch.sentAtMs - Math.max(batch.readyAtMs, call.queuedAtMs);
  const upstreamMs = nowMs - batch.sentAtMs;
  const facts = [
    `id=${batch.id}`,
    `parts=${batch.calls.length}`,
    `position=${batch.calls.indexOf(slot)}`,
    `hold=${holdMs.toFixed(1)}`,
    `flush=${batch.flushReason}`,
    `attempts=${call.attempts}`,
  ];
  const timing = [
    `hold;dur=${holdMs.toFixed(1)}`,
    `queue;dur=${queueMs.toFixed(1)}`,
    `upstream;dur=${upstreamMs.toFixed(1)}`,
  ];
  const own = ['X-Ucwa-Batch', facts.join('; '), 'Server-Timing', timing.join(', ')];
  return { ...reply, headers: [...reply.headers, ...own], head: undefined };
}
