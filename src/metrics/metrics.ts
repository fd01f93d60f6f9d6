/**
 * The metrics, by prom-client: the only folder that imports it. Labels come from closed sets and
 * every combination is there from the start with 0, so that rates and alerts are right. No metric
 * names a user, an application or a path.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { refusalReasons } from '../core/admit/admit.ts';
import { passThroughReasons } from '../core/ucwa/classify.ts';
import { type Invariant, invariants } from '../core/invariants.ts';
import { flushReasons } from '../core/schedule/state.ts';
import { repeatOutcomes, repeatReasons, requeueReasons } from '../core/schedule/observer.ts';
import type { EngineObserver, ProtocolError } from '../engine/observer.ts';
import type { AbortStage, ListenObserver, Via } from '../listen/observer.ts';
import { codeLabel, codeLabels } from './code-label.ts';
import { combinations } from './label-combinations.ts';
import { createShadowMetrics, type ShadowMetrics } from './shadow-metrics.ts';
import { CounterTally, HistogramTally } from './tally.ts';
import { createTraceMetrics, type TraceMetrics } from './trace-metrics.ts';

/** What is asked for when the metrics are read. */
export interface MetricSources {
  heldCalls(): number;
  outstandingCalls(): number;
  users(): { readonly active: number; readonly idle: number };
  longPolls(): number;
  clientConnections(): number;
  upstreamConnections(): number;
  boundConnections(): number;
}

export interface Metrics {
  readonly engine: Omit<EngineObserver, 'internalError'>;
  readonly listen: Omit<ListenObserver, 'internalError'>;
  readonly shadow: ShadowMetrics;
  readonly trace: TraceMetrics;
  /** A promise of the README would have been broken. */
  violated(invariant: Invariant): void;
  /** The Prometheus text format. One format only: the library confuses names when they alternate. */
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
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `ucwa_proxy_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const labelledGauge = (
    name: string,
    help: string,
    label: string,
    reads: Readonly<Record<string, () => number>>,
  ) =>
    new Gauge({
      name: `ucwa_proxy_${name}`,
      help,
      labelNames: [label],
      registers,
      collect() {
        for (const [value, read] of Object.entries(reads)) this.set({ [label]: value }, read());
      },
    });

  const calls = new CounterTally(
    named('calls_total', 'Calls of clients that were answered, by how and with what.'),
    ['via', vias],
    ['code', codeLabels],
  );
  const callDuration = new HistogramTally(
    named('call_duration_seconds', 'From the head of a call to the end of its answer.'),
    durationBuckets,
    { name: 'via', values: vias },
  );
  const batchParts = new HistogramTally(named('batch_parts', 'Parts in a batch.'), partBuckets);
  const batchBytes = new HistogramTally(
    named('batch_bytes', 'Bytes of the body of a batch.'),
    byteBuckets,
  );
  const batches = counter('batches_total', 'Batches sent, by what made them leave.', {
    flush_reason: flushReasons,
  });
  const hold = new HistogramTally(
    named('hold_seconds', 'How long a batchable call waited for companions.'),
    waitBuckets,
  );
  const queue = new HistogramTally(
    named('queue_seconds', 'How long a call that could have left waited for its departure.'),
    queueBuckets,
    { name: 'reason', values: ['limit', 'pause', 'slots', 'order'] },
  );
  const upstreamResponses = new CounterTally(
    named('upstream_responses_total', 'Answers of the pool.'),
    ['kind', kinds],
    ['code', codeLabels],
  );
  const upstreamDuration = new HistogramTally(
    named('upstream_duration_seconds', 'From a request to the pool to the end of its answer.'),
    durationBuckets,
    { name: 'kind', values: kinds },
  );
  const passThrough = counter('passthrough_total', 'Calls passed through, by why.', {
    reason: passThroughReasons,
  });
  const aborts = counter('client_aborts_total', 'Callers who left, by where their call was.', {
    stage: abortStages,
  });
  const refused = counter('refused_total', 'Requests refused by the proxy itself, by why.', {
    reason: refusalReasons,
  });
  const protocol = counter(
    'protocol_errors_total',
    'Answers of the pool that broke the protocol, by how.',
    {
      kind: protocolErrors,
    },
  );
  const violations = counter(
    'invariant_violations_total',
    'Breaks of what the README promises that were stopped at the last moment: bugs.',
    { invariant: invariants },
  );
  const collapsed = counter(
    'collapsed_calls_total',
    'Calls that shared a part with an identical one.',
    {},
  );

  const splits = counter(
    '429_splits_total',
    'Refused batches whose parts left again in two or more requests, by how often refused.',
    { depth: splitDepths },
  );
  const splitParts = new HistogramTally(
    named('split_parts', 'Parts of the requests that a refused batch was split into.'),
    splitBuckets,
  );
  const requeued = counter(
    'requeued_calls_total',
    'Calls of refused batches that went back into the queue.',
    { reason: requeueReasons },
  );
  const learnedLimit = new HistogramTally(
    named(
      'learned_limit',
      'Outstanding calls that the pool is believed to allow a user, at each change.',
    ),
    limitBuckets,
  );
  const repeats = counter('repeats_total', 'Calls sent again after a fault, or that were to be.', {
    reason: repeatReasons,
    outcome: repeatOutcomes,
  });
  const lateBatches = counter(
    'late_batches_total',
    'Batches that took so long that their GETs were asked again.',
    {},
  );

  let saved = 0;
  gauge(
    'upstream_requests_saved',
    'Batchable calls that left less the requests sent for them, repeats too.',
    () => saved,
  );
  gauge('outstanding_calls', 'Batchable calls that the pool works on.', () =>
    sources.outstandingCalls(),
  );
  gauge('held_calls', 'Calls that wait for companions or for their turn to be sent.', () =>
    sources.heldCalls(),
  );
  gauge('long_polls', 'Open polls of the event channel.', () => sources.longPolls());
  labelledGauge('users', 'Users that the proxy keeps state of.', 'state', {
    active: () => sources.users().active,
    idle: () => sources.users().idle,
  });
  labelledGauge('connections', 'Open connections.', 'side', {
    client: () => sources.clientConnections(),
    upstream: () => sources.upstreamConnections(),
  });
  gauge(
    'bound_connections',
    'Open connections to the pool that belong to one client connection each.',
    () => sources.boundConnections(),
  );
  new Gauge({
    name: 'ucwa_proxy_build_info',
    help: 'Always 1; what runs.',
    labelNames: ['version', 'node_version'],
    registers,
  }).set({ version, node_version: process.version }, 1);

  return {
    engine: {
      callLeft({ hold: holdMs, slots, order, pause, limit }) {
        if (holdMs !== undefined) hold.observe(holdMs / 1000);
        queue.observe(slots / 1000, 'slots');
        // Few wait for these; a zero for each call would hide those who do.
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
      repeated: (reason, outcome) => repeats.inc({ reason, outcome }),
      lateBatch: () => lateBatches.inc(),
      collapsed: () => collapsed.inc(),
      batchLeft(parts, bytes, reason) {
        batchParts.observe(parts);
        batchBytes.observe(bytes);
        batches.inc({ flush_reason: reason });
      },
      requestLeft: (newCalls) => (saved += newCalls - 1),
      upstreamAnswered: (kind, status) => upstreamResponses.inc(kind, codeLabel(status)),
      upstreamEnded: (kind, durationMs) => upstreamDuration.observe(durationMs / 1000, kind),
      protocolError: (kind) => protocol.inc({ kind }),
    },
    listen: {
      finished({ via, status, durationMs, callerLeft }) {
        // Nobody was answered where the caller left first; `client_aborts_total` has it.
        if (status === 0 || callerLeft) return;
        calls.inc(via, codeLabel(status));
        callDuration.observe(durationMs / 1000, via);
      },
      refused: (reason) => refused.inc({ reason }),
      passedThrough: (reason) => passThrough.inc({ reason }),
      callerLeft: (stage) => aborts.inc({ stage }),
      passThroughAnswered: (status) => upstreamResponses.inc('passthrough', codeLabel(status)),
      passThroughEnded: (durationMs) => upstreamDuration.observe(durationMs / 1000, 'passthrough'),
    },
    shadow: createShadowMetrics(registers),
    trace: createTraceMetrics(registers),
    violated: (invariant) => violations.inc({ invariant }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
