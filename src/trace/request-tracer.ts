/**
 * Writes the CLIENT spans of the requests to one pool that carry traced calls.
 *
 * - A request with one traced call is a child of the span of the call.
 * - A request with several traced calls begins a trace of its own. Links lead from it to its calls, and back.
 * - A request for calls that were sent before has links to the earlier requests.
 */
import type { TracedRequest, TracedRequestEnd } from '../engine/traced-request.ts';
import type { Attributes, Link, OpenSpan, SpanSource } from './spans.ts';
import type { LastRequest, TracedCall } from './traced-call.ts';

interface OpenRequest {
  readonly span: OpenSpan;
  readonly last: LastRequest;
}

export class RequestTracer {
  readonly #source: SpanSource;
  /** Requests without an end, by the id of their batch. The connections to the pool limit their number. */
  readonly #open = new Map<number, OpenRequest>();

  constructor(source: SpanSource) {
    this.#source = source;
  }

  /** Whether no request is open. */
  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  sent(request: TracedRequest): void {
    const calls = [...new Set(request.calls.map(({ trace }) => trace))];
    const only = calls.length === 1 ? calls[0] : undefined;
    const span = this.#source.start({
      name: `${request.method} ${request.route}`,
      kind: 'client',
      startMs: request.sentAtMs,
      parent: only?.span,
      links: linksOf(calls, only === undefined),
      attributes: attributesOf(request),
    });
    const last: LastRequest = { span, wasRefused: false };
    for (const { trace, waits, position, attempts, isFollower } of request.calls) {
      trace.waited(waits, request.sentAtMs);
      trace.span.set({
        'ucwa.batch.id': request.batchId,
        'ucwa.batch.parts': request.parts,
        'ucwa.batch.position': position,
        'ucwa.attempts': attempts,
        ...(isFollower && { 'ucwa.collapsed': true }),
      });
      if (only === undefined) trace.span.link({ to: span, reason: 'request' });
      trace.lastRequest = last;
    }
    this.#open.set(request.batchId, { span, last });
  }

  /** Takes the end of every request, also of those without a traced call. */
  ended({ batchId, status, error, isRefused, atMs }: TracedRequestEnd): void {
    const open = this.#open.get(batchId);
    if (open === undefined) return;
    this.#open.delete(batchId);
    const { span, last } = open;
    last.wasRefused = isRefused;
    const type = error ?? (status !== undefined && status >= 400 ? String(status) : undefined);
    span.set({
      ...(status !== undefined && { 'http.response.status_code': status }),
      ...(type !== undefined && { 'error.type': type }),
    });
    if (type !== undefined) span.fail();
    span.end(atMs);
  }
}

function linksOf(calls: readonly TracedCall[], toCalls: boolean): Link[] {
  const links: Link[] = [];
  const earlier = new Set<LastRequest>();
  for (const { span, lastRequest } of calls) {
    if (toCalls) links.push({ to: span, reason: 'call' });
    if (lastRequest !== undefined) earlier.add(lastRequest);
  }
  for (const { span, wasRefused } of earlier) {
    links.push({ to: span, reason: wasRefused ? 'refused' : 'repeated' });
  }
  return links;
}

function attributesOf(request: TracedRequest): Attributes {
  const { authority, method, route, calls, parts } = request;
  const [, host = authority, port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  const resends = Math.max(...calls.map(({ attempts }) => attempts)) - 1;
  return {
    'http.request.method': method,
    'url.template': route,
    'server.address': host,
    ...(port !== undefined && { 'server.port': Number(port) }),
    ...(resends > 0 && { 'http.request.resend_count': resends }),
    'ucwa.batch.id': request.batchId,
    'ucwa.batch.parts': parts,
    'ucwa.batch.flush_reason': request.flushReason,
    ...(request.retryReason !== undefined && { 'ucwa.retry_reason': request.retryReason }),
  };
}
