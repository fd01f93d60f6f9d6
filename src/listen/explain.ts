/**
 * The fields that `X-Ucwa-Batch: explain` adds to an answer. `X-Ucwa-Batch` is an item (RFC 9651): a token for the
 * way of the call, with parameters. `Proxy-Status` (RFC 9209) describes a repeated call, and `Cache-Status`
 * (RFC 9211) a call that shared the part of an identical call.
 */
import { headerValue, type RawHeaders } from '../core/messages/http-message.ts';
import type { Reply, ReplyHead } from '../core/messages/reply.ts';
import { type Handling, handlingOf } from '../core/schedule/answers/handling.ts';
import type { Call } from '../core/schedule/state.ts';
import type { PassThroughReason } from '../core/ucwa/classify.ts';
import type { Caller } from '../engine/caller.ts';
import { notesOf } from './call-details.ts';
import type { ClientExchange } from './client-exchange.ts';
import { idField } from './write-reply.ts';

const proxyName = 'ucwa-batch-proxy';

/** Returns the answer to a call of the engine with the fields. */
export function explained<H extends ReplyHead>(
  exchange: ClientExchange,
  head: H,
  call: Call<Caller> | undefined,
  nowMs: number,
): H {
  const handling = call === undefined ? undefined : handlingOf(call);
  if (handling === undefined) return withWay(exchange, head, 'unsent');
  const way = handling.parts > 1 ? 'batched' : 'single';
  return withWay(exchange, head, way, factsOf(handling), furtherFields(head, handling, nowMs));
}

/** Returns an answer that the proxy made itself, and notes its cause for the log. */
export function ownReply(exchange: ClientExchange, reply: Reply, way: 'refused' | 'failed'): Reply {
  notesOf(exchange).cause = reply.cause;
  return exchange.head.explain ? withWay(exchange, reply, way) : reply;
}

/**
 * Returns the answer with `X-Ucwa-Batch`.
 *
 * @param way for example `refused`
 * @param facts parameters of the item
 */
function withWay<H extends ReplyHead>(
  exchange: ClientExchange,
  head: H,
  way: string,
  facts: readonly string[] = [],
  further: RawHeaders = [],
): H {
  const { id, cause } = notesOf(exchange);
  const reason = cause === undefined ? [] : [`reason=${cause}`];
  const ignored = exchange.head.wish?.hasUnknown === true ? ['ignored'] : [];
  const item = [way, ...facts, ...reason, ...ignored, `call="${id}"`].join('; ');
  const headers = [...head.headers, 'X-Ucwa-Batch', item, ...further];
  return { ...head, headers, head: undefined };
}

/** Returns the fields of the answer to a passed-through call, for a client that asked for them or sent an id. */
export function passedFields(
  exchange: ClientExchange,
  status: number,
  headers: RawHeaders,
  passed: PassThroughReason,
): RawHeaders {
  const head = { status, reason: '', headers };
  const { explain } = exchange.head;
  const told = explain ? withWay(exchange, head, 'passed', [`reason=${passed}`]) : head;
  const id = idField(notesOf(exchange).id, told);
  return id === undefined ? told.headers : [...told.headers, ...id];
}

function factsOf(handling: Handling): string[] {
  const { retry, refusals } = handling;
  return [
    `id=${handling.batchId}`,
    `parts=${handling.parts}`,
    `position=${handling.position}`,
    `hold=${(handling.waits.hold ?? 0).toFixed(1)}`,
    `flush=${handling.flushReason}`,
    `attempts=${handling.attempts}`,
    ...(retry === undefined ? [] : [`retry=${retry}`]),
    ...(refusals === 0 ? [] : [`refusals=${refusals}`]),
    ...(handling.isCollapsed ? ['collapsed'] : []),
  ];
}

function furtherFields({ headers }: ReplyHead, handling: Handling, nowMs: number): string[] {
  const { waits, lateMs, attempts, retry, sentAtMs } = handling;
  const times: ReadonlyArray<readonly [string, number]> = [
    ['hold', waits.hold ?? 0],
    ['queue', waits.order + waits.pause + waits.limit + waits.slots],
    ...(lateMs > 0 ? [['late', lateMs] as const] : []),
    ['upstream', nowMs - sentAtMs],
  ];
  const timing = times.map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`).join(', ');
  const fields = ['Server-Timing', timing];
  if (attempts > 1 && headerValue(headers, 'proxy-status') === undefined) {
    const why = retry ?? 'refused';
    fields.push('Proxy-Status', `${proxyName}; details="sent ${attempts} times: ${why}"`);
  }
  if (handling.isCollapsed) fields.push('Cache-Status', `${proxyName}; fwd=miss; collapsed`);
  return fields;
}
