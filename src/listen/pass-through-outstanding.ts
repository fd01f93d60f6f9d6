/**
 * Counts pass-through requests as outstanding calls of their user, because the pool has one limit for all
 * calls.
 */
import type { IncomingMessage } from 'node:http';
import type { PassThroughReason } from '../core/ucwa/classify.ts';
import type { KnownHead } from '../core/admit/request-head-cache.ts';
import { batchingBoundary } from '../core/ucwa/boundary.ts';
import type { Engine } from '../engine/engine.ts';
import { PartCounter } from './count-parts.ts';

/**
 * Counts a call that is about to be passed through. A client's own batch counts by its parts, as they arrive.
 *
 * @returns ends the count; to be called when the call is over
 */
export function countOutstanding(
  request: IncomingMessage,
  { facts, user }: Pick<KnownHead, 'facts' | 'user'>,
  reason: PassThroughReason,
  poll: boolean,
  engine: Pick<Engine, 'passedThrough'>,
): () => void {
  if (user === '' || reason === 'outside') return () => undefined;
  let calls = 1;
  engine.passedThrough(user, calls, poll);
  const boundary = reason === 'batch' ? batchingBoundary(facts.contentType) : undefined;
  if (boundary !== undefined) {
    const counter = new PartCounter(boundary);
    request.on('data', (chunk: Buffer) => {
      counter.push(chunk);
      const more = counter.parts - calls;
      if (more <= 0 || calls === 0) return;
      calls += more;
      engine.passedThrough(user, more, poll);
    });
  }
  return () => {
    engine.passedThrough(user, -calls, poll);
    calls = 0;
  };
}
