/** The details of a call for the log, and the notes that they come from. Most calls need neither. */
import { randomBytes } from 'node:crypto';
import { handlingOf } from '../core/schedule/answers/handling.ts';
import type { Call } from '../core/schedule/state.ts';
import type { PassThroughReason } from '../core/ucwa/classify.ts';
import type { Caller } from '../engine/caller.ts';
import { CallNotes } from './call-notes.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { CallDetails } from './observer.ts';

/** Differs between processes, so that the ids of two replicas differ. */
const prefix = randomBytes(6).toString('hex');
let lastNumber = 0;

/** Returns the notes of the call. The answer names the id of each call that has notes before its answer. */
export function notesOf(exchange: ClientExchange): CallNotes {
  return (exchange.notes ??= new CallNotes(exchange.head.callId ?? nextId()));
}

function nextId(): string {
  lastNumber += 1;
  return `${prefix}-${lastNumber}`;
}

/** The way that a call took. */
export interface Way {
  /** The call in the engine. */
  readonly call?: Call<Caller> | undefined;
  /** Why the call passed through. */
  readonly passed?: PassThroughReason | undefined;
  /** The server of the pool that got a passed-through call: its origin or its host. */
  readonly server?: string | undefined;
  /** Whether the call is a long poll of `events`. */
  readonly poll?: boolean;
}

/** Returns the details of a call for the log. */
export function detailsOf(exchange: ClientExchange, { call, passed, server }: Way): CallDetails {
  const { id, cause } = notesOf(exchange);
  const handling = call === undefined ? undefined : handlingOf(call);
  const at = server ?? handling?.server;
  return {
    id,
    ...(passed === undefined ? {} : { passed }),
    ...(handling === undefined ? {} : { handling }),
    ...(at === undefined ? {} : { server: at.replace(/^https?:\/\//, '') }),
    ...(cause === undefined ? {} : { reason: cause }),
  };
}
