/** What `X-Ucwa-Batch: explain` adds to an answer. */
import type { Batch, Call } from '../core/schedule/call.ts';
import type { RawHeaders } from '../core/wire/http-message.ts';

/** `slot`: the call whose part it was, the call itself or the one that it was collapsed with. */
export function explained<T>(
  headers: RawHeaders,
  call: Call<T>,
  batch: Batch<T>,
  nowMs: number,
): string[] {
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
  return [...headers, 'X-Ucwa-Batch', facts.join('; '), 'Server-Timing', timing.join(', ')];
}
