/** Takes notes of requests. The batches stay in the engine. */
import type { Ending } from '../core/answer/ending.ts';
import type { Fault } from '../core/messages/fault.ts';
import { isReply, type Reply } from '../core/messages/reply.ts';
import { waitersOf } from '../core/schedule/queue/calls.ts';
import type { Batch, Call } from '../core/schedule/state.ts';
import type { Caller } from '../engine/caller.ts';
import type { AnswerNote, CallNote, EndNote, PartNote, SentNote } from './notes.ts';

type AnyBatch = Batch<Caller>;

/** The longest template of a route that is shown. */
const maxRouteLength = 80;

function keyOf(pool: number, batch: AnyBatch): string {
  return `${pool}-${batch.id}`;
}

export function sentNote(
  pool: number,
  batch: AnyBatch,
  hashOf: (name: string) => string,
): SentNote {
  return {
    key: keyOf(pool, batch),
    id: batch.id,
    user: hashOf(batch.user.name),
    kind: batch.calls.length === 1 ? 'single' : 'batch',
    flush: batch.flushReason,
    atMs: batch.sentAtMs,
    outstanding: batch.outstanding,
    parts: batch.calls.map((call) => partNote(call, batch)),
  };
}

function partNote(slot: Call<Caller>, batch: AnyBatch): PartNote {
  // The name of the route of a write begins with its method.
  const { name, isSlow } = slot.route;
  const template = name.slice(name.indexOf('/'));
  return {
    method: slot.method,
    route: template.length > maxRouteLength ? `${template.slice(0, maxRouteLength)}…` : template,
    isSlow,
    calls: waitersOf(slot)
      .filter(({ original }) => original === undefined)
      .map((call) => callNote(call, batch)),
  };
}

function callNote(call: Call<Caller>, batch: AnyBatch): CallNote {
  return {
    arrivedAtMs: call.arrivedAtMs,
    holdMs: Math.max(0, batch.readyAtMs - call.queuedAtMs),
    queueMs: Math.max(0, batch.sentAtMs - Math.max(batch.readyAtMs, call.queuedAtMs)),
    attempts: call.attempts,
  };
}

export function answerNote(
  pool: number,
  batch: AnyBatch,
  index: number,
  reply: Reply | Fault,
  atMs: number,
): AnswerNote {
  const status = isReply(reply) ? reply.status : 0;
  return { key: keyOf(pool, batch), index, status, atMs };
}

export function endNote(
  pool: number,
  batch: AnyBatch,
  ending: Ending,
  atMs: number,
  hashOf: (name: string) => string,
): EndNote {
  const { limit, backoff } = batch.user.learned;
  const isFailure = ending.kind === 'failure';
  const wasRefused = isFailure && ending.cause === 'refused';
  return {
    key: keyOf(pool, batch),
    user: hashOf(batch.user.name),
    atMs,
    status: statusOf(batch, ending),
    fault: isFailure && !wasRefused ? ending.fault.name : '',
    wasRefused,
    wasLate: batch.isLate,
    goesBack: batch.calls.map(({ stage }) => stage === 'held'),
    outstanding: batch.user.outstanding,
    limit: limit.value,
    isLimitMet: limit.isMet,
    pausedUntilMs: backoff.untilMs,
  };
}

function statusOf(batch: AnyBatch, ending: Ending): number {
  switch (ending.kind) {
    case 'complete':
      return batch.status ?? 0;
    case 'relay':
      return ending.reply.status;
    case 'failure':
      return ending.cause === 'refused' ? 429 : (ending.reply?.status ?? 0);
  }
}
