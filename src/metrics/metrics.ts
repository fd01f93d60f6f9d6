/**
 * The metrics of the proxy. Only this folder imports prom-client.
 *
 * Label values come from closed sets. Every combination exists from the start with value 0, so that
 * rates and alerts see the first increase. No label contains a user, an application or a path.
 */
import { collectDefaultMetrics, Counter, Registry } from 'prom-client';
import { refusalReasons } from '../core/admit/admit.ts';
import { passThroughReasons } from '../core/ucwa/classify.ts';
import { holdOutcomes } from '../core/events/event-holds.ts';
import { type Invariant, invariants } from '../core/invariants.ts';
import { flushReasons } from '../core/schedule/state.ts';
import { retryOutcomes, retryReasons, requeueReasons } from '../core/schedule/observer.ts';
import type { EngineObserver, ProtocolError } from '../engine/observer.ts';
import type { AbortStage, ListenObserver, Via } from '../listen/observer.ts';
import { createGauges, type MetricSources } from './gauges.ts';
import { combinations } from './label-combinations.ts';
import { createLinkMetrics } from './link-metrics.ts';
import { createParityMetrics, type ParityObserver } from './parity-metrics.ts';
import { createPrimingMetrics } from './priming-metrics.ts';
import { createSpanMetrics, type SpanMetrics } from './span-metrics.ts';
import { createShadowMetrics, type ShadowMetrics } from './shadow-metrics.ts';
import { CounterTally, HistogramTally } from './tally.ts';
import { createTraceMetrics, type TraceMetrics } from './trace-metrics.ts';

/** Statuses of UCWA: successes, and the errors that its documentation lists. */
const known = [
  200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 428, 429, 500, 502,
  503, 504,
];

const labels = new Map(known.map((status) => [status, String(status)]));

/** All values that `codeLabel` returns. */
const codeLabels: readonly string[] = [...labels.values(), 'other'];

/** Returns the label for an HTTP status, which is `other` for a status that UCWA does not use. */
function codeLabel(status: number): string {
  return labels.get(status) ?? 'other';
}

export interface Metrics {
  readonly engine: Omit<EngineObserver, 'internalError'>;
  readonly listen: Omit<ListenObserver, 'internalError'>;
  readonly shadow: ShadowMetrics;
  readonly parity: ParityObserver;
  readonly trace: TraceMetrics;
  readonly spans: SpanMetrics;
  /** Counts an invariant violation that was prevented (docs/guarantees.md). */
  violated(invariant: Invariant): void;
  /** Returns the metrics as Prometheus text. prom-client confuses names if formats alternate. */
  render(): Promise<string>;
  readonly contentType: string;
}

const vias: readonly Via[] = ['batch', 'single', 'passthrough', 'refused'];
const kinds = ['batch', 'single', 'passthrough'] as const;
const abortStages: readonly AbortStage[] = ['held', 'sent', 'answering', 'passthrough'];
const protocolErrors: readonly ProtocolError[] = [
  'not_multipart',
  'no_delimiter',
  'truncated',
  'fewer_parts',
  'more_parts',
  'malformed_part',
  'too_large',
  'coding',
  'self_link',
  'unsolicited',
];

const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const waitBuckets = [0.0001, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1];
const partBuckets = [2, 3, 5, 8, 10, 15, 20, 30, 50, 100];
const queueBuckets = [0.001, 0.01, 0.05, 0.1, 0.25, 1, 5, 30];
const splitBuckets = [1, 2, 3, 5, 7, 10, 15, 20];
const limitBuckets = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000];
const splitDepths = ['1', '2', '3', '4+'];
const byteBuckets = [1024, 4096, 8192, 16384, 32768, 65536, 262144, 1048576];

export function createMetrics(version: string, sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  const counter = <L extends string>(
    name: string,
    help: string,
    labels: Record<L, readonly string[]>,
  ) => {
    const labelNames = Object.keys(labels) as L[];
    const made = new Counter<L>({ name: `ucwa_proxy_${name}`, help, labelNames, registers });
    for (const values of combinations(labels)) made.inc(values, 0);
    return made;
  };
  const named = (name: string, help: string) => ({ name: `ucwa_proxy_${name}`, help, registry });

  const calls = new CounterTally(
    named(
      'calls_total',
      'Answered calls. via is how the proxy handled the call; refused means that it did not reach the pool. ' +
        'code is the HTTP status that the client got.',
    ),
    ['via', vias],
    ['code', codeLabels],
  );
  const callDuration = new HistogramTally(
    named(
      'call_duration_seconds',
      'Time from the head of a call to the end of its answer. ' +
        'passthrough includes event polls, which normally take minutes.',
    ),
    durationBuckets,
    { name: 'via', values: vias },
  );
  const batchParts = new HistogramTally(
    named('batch_parts', 'Number of parts in each batch sent to the pool.'),
    partBuckets,
  );
  const batchBytes = new HistogramTally(
    named('batch_bytes', 'Size of the body of each batch sent to the pool, in bytes.'),
    byteBuckets,
  );
  const batches = counter(
    'batches_total',
    'Batches sent to the pool, by the reason that ended their hold. idle: no further call was likely. ' +
      'linger: maximum hold reached. parts, bytes: full. barrier: a later call must follow. drain: shutdown.',
    {
      flush_reason: flushReasons,
    },
  );
  const hold = new HistogramTally(
    named(
      'hold_seconds',
      'Time that a batchable call was held for other calls. Normal is at most batching.lingerMaxMs.',
    ),
    waitBuckets,
  );
  const queue = new HistogramTally(
    named(
      'queue_seconds',
      'Time that a call waited to be sent after its hold. limit: concurrent calls that the pool allows the user. ' +
        'pause: backoff after a refusal. slots: free requests or connections. order: an earlier write.',
    ),
    queueBuckets,
    { name: 'reason', values: ['limit', 'pause', 'slots', 'order'] },
  );
  const upstreamResponses = new CounterTally(
    named(
      'upstream_responses_total',
      'HTTP responses of the pool, by kind of request. code is the status of the response, not of its parts.',
    ),
    ['kind', kinds],
    ['code', codeLabels],
  );
  const upstreamDuration = new HistogramTally(
    named(
      'upstream_duration_seconds',
      'Time from a request to the pool to the end of the response. ' +
        'passthrough includes event polls, which normally take minutes.',
    ),
    durationBuckets,
    { name: 'kind', values: kinds },
  );
  const passThrough = counter(
    'passthrough_total',
    'Calls forwarded unchanged instead of batched. reason is why the call cannot be batched.',
    { reason: passThroughReasons },
  );
  const heldEvents = counter(
    'held_events_total',
    'Answers to event polls that waited for the answer to a POST (batching.holdEvents). ordered: an event had ' +
      'overtaken that answer. unrelated: no event had. expired: no answer within 2 s. abandoned: the poll ended.',
    { outcome: holdOutcomes },
  );
  const aborts = counter(
    'client_aborts_total',
    'Calls that the client gave up before the end of the answer. held: not sent yet. sent: at the pool. ' +
      'answering: in the middle of the answer.',
    { stage: abortStages },
  );
  const refused = counter(
    'refused_total',
    'Requests that the proxy refused without asking the pool. ' +
      'reason is the mistake in the request, or the limit that was reached.',
    {
      reason: refusalReasons,
    },
  );
  const protocol = counter(
    'protocol_errors_total',
    'Responses of the pool that broke the protocol, by kind of mistake. Normal is 0.',
    {
      kind: protocolErrors,
    },
  );
  const violations = counter(
    'invariant_violations_total',
    'Bugs that a last check stopped before they did harm. Normal is 0. docs/guarantees.md explains each invariant.',
    { invariant: invariants },
  );
  const collapsed = counter(
    'collapsed_calls_total',
    'GETs that shared the part of an identical GET in a batch.',
    {},
  );

  const splits = counter(
    '429_splits_total',
    'Batches that the pool refused with 429 and that were sent again as two or more smaller requests. ' +
      'depth is how often the pool had refused the calls. Normal is mostly 1.',
    { depth: splitDepths },
  );
  const splitParts = new HistogramTally(
    named('split_parts', 'Number of parts in each request that replaced a batch refused with 429.'),
    splitBuckets,
  );
  const requeued = counter(
    'requeued_calls_total',
    'Calls that went back to the queue because the pool refused their batch. refused: 429. too_large: 413.',
    { reason: requeueReasons },
  );
  const learnedLimit = new HistogramTally(
    named(
      'learned_limit',
      'Estimated number of concurrent calls that the pool allows a user, recorded at each change of an estimate.',
    ),
    limitBuckets,
  );
  const repeats = counter(
    'repeats_total',
    'Retries. unsent: the call was not sent. unknown: no answer. answer: unusable answer. late: slow batch. ' +
      'Outcome denied: the retry budget was spent. Outcome needless: the first answer arrived, or the client left.',
    {
      reason: retryReasons,
      outcome: retryOutcomes,
    },
  );
  const lateBatches = counter(
    'late_batches_total',
    'Batches that took unexpectedly long, so that the proxy sent their GETs a second time.',
    {},
  );
  let saved = 0;
  createGauges(registers, version, { ...sources, requestsSaved: () => saved });

  return {
    engine: {
      callSent({ hold: holdMs, slots, order, pause, limit }) {
        if (holdMs !== undefined) hold.observe(holdMs / 1000);
        queue.observe(slots / 1000, 'slots');
        // Few calls wait for these reasons. Zeros for all other calls would hide the waits.
        if (order > 0) queue.observe(order / 1000, 'order');
        if (pause > 0) queue.observe(pause / 1000, 'pause');
        if (limit > 0) queue.observe(limit / 1000, 'limit');
      },
      requeued: (reason, calls) => requeued.inc({ reason }, calls),
      split(depth, sizes) {
        splits.inc({ depth: depth > 3 ? '4+' : String(depth) });
        for (const parts of sizes) splitParts.observe(parts);
      },
      learnedLimit: (limit) => learnedLimit.observe(limit),
      retried: (reason, outcome) => repeats.inc({ reason, outcome }),
      lateBatch: () => lateBatches.inc(),
      collapsed: () => collapsed.inc(),
      batchSent(parts, bytes, reason) {
        batchParts.observe(parts);
        batchBytes.observe(bytes);
        batches.inc({ flush_reason: reason });
      },
      requestSent: (newCalls) => (saved += newCalls - 1),
      upstreamAnswered: (kind, status) => upstreamResponses.inc(kind, codeLabel(status)),
      upstreamEnded: (kind, durationMs) => upstreamDuration.observe(durationMs / 1000, kind),
      protocolError: (kind) => protocol.inc({ kind }),
    },
    listen: {
      finished({ via, status, durationMs, callerLeft }) {
        // A call without an answer is counted by `client_aborts_total` only.
        if (status === 0 || callerLeft) return;
        calls.inc(via, codeLabel(status));
        callDuration.observe(durationMs / 1000, via);
      },
      refused: (reason) => refused.inc({ reason }),
      passedThrough: (reason) => passThrough.inc({ reason }),
      callerLeft: (stage) => aborts.inc({ stage }),
      passThroughAnswered: (status) => upstreamResponses.inc('passthrough', codeLabel(status)),
      passThroughEnded: (durationMs) => upstreamDuration.observe(durationMs / 1000, 'passthrough'),
      ...createLinkMetrics(registers),
      ...createPrimingMetrics(registers, () => (saved -= 1)),
      eventsHeld: (outcome) => heldEvents.inc({ outcome }),
    },
    shadow: createShadowMetrics(registers),
    parity: createParityMetrics(registers, () => (saved -= 1)),
    trace: createTraceMetrics(registers),
    spans: createSpanMetrics(registers),
    violated: (invariant) => violations.inc({ invariant }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
