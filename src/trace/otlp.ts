/**
 * Exports spans by OTLP over HTTP. Only this file imports OpenTelemetry. The program loads it if an endpoint is
 * set, and otherwise never.
 *
 * The SDK reads these variables: `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_*`, `OTEL_SPAN_*`,
 * `OTEL_ATTRIBUTE_*`, and those of the exporter for headers, TLS, compression and timeout.
 */
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { failureKind } from './failure-kind.ts';
import type { Link, OpenSpan, SpanRef, SpanSource } from './spans.ts';

export interface OtlpOptions {
  /** The URL that gets the spans. */
  readonly url: string;
  readonly version: string;
  readonly now: () => number;
  readonly observer: SpanObserver;
}

export interface SpanObserver {
  exported(spans: number): void;
  failed(spans: number): void;
  dropped(): void;
  /** Called for the first failure of each kind. */
  firstFailure(kind: string): void;
}

/** Limit for the spans that wait for the collector. */
const maxWaiting = 2048;
/** Limit for the kinds of failures that are told apart. */
const maxKinds = 20;
/** Retries of an export included. The default of the exporter, 10 s, would delay the end of the process. */
const exportTimeoutMs = 2000;
const maxClockErrorMs = 2;

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

export function createOtlpSource({ url, version, now, observer }: OtlpOptions): SpanSource {
  const hasTimeout = ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'].some(
    (name) => process.env[name] !== undefined,
  );
  const exporter = new OTLPTraceExporter({
    url,
    ...(hasTimeout ? {} : { timeoutMillis: exportTimeoutMs }),
  });
  const own = { 'service.name': 'ucwa-batch-proxy', 'service.version': version };
  const processor = new BoundedProcessor(exporter, observer);
  const provider = new BasicTracerProvider({
    // `CallTracer` has decided already.
    sampler: new AlwaysOnSampler(),
    resource: defaultResource()
      .merge(resourceFromAttributes(own))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('ucwa-batch-proxy', version);
  const wallClock = new WallClock(now);

  return {
    start({ name, kind, startMs, parent, links = [], attributes }) {
      const span = tracer.startSpan(
        name,
        {
          kind: kinds[kind],
          startTime: wallClock.at(startMs),
          links: links.map(linkOf),
          attributes: { ...attributes },
        },
        contextOf(parent),
      );
      const { traceId, spanId } = span.spanContext();
      const open: OpenSpan = {
        traceId,
        spanId,
        set: (more) => void span.setAttributes({ ...more }),
        link: (link) => void span.addLink(linkOf(link)),
        fail: () => void span.setStatus({ code: SpanStatusCode.ERROR }),
        end: (atMs) => span.end(wallClock.at(atMs)),
      };
      return open;
    },
    async stop(withinMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)));
      // The shutdown fails with the first export that fails. Other exports go on.
      const all = provider.shutdown().catch(() => processor.idle);
      await Promise.race([all, late]);
      clearTimeout(timer);
    },
  };
}

function contextOf(parent: SpanRef | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { ...sampled(parent), isRemote: true });
}

function linkOf({ to, reason }: Link) {
  return { context: sampled(to), attributes: { 'ucwa.link': reason } };
}

function sampled({ traceId, spanId }: SpanRef) {
  return { traceId, spanId, traceFlags: 1 };
}

/** Converts the times of the proxy's clock, which does not follow changes of the system's clock. */
class WallClock {
  readonly #now: () => number;
  #offsetMs = -Infinity;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the time in ms since 1970. */
  at(ms: number): number {
    const offsetMs = Date.now() - this.#now();
    // `Date.now` has whole milliseconds. Spans of one trace need the same offset.
    if (Math.abs(offsetMs - this.#offsetMs) > maxClockErrorMs) this.#offsetMs = offsetMs;
    return this.#offsetMs + ms;
  }
}

/** Counts what becomes of each span, and drops spans while too many wait for the collector. */
class BoundedProcessor implements SpanProcessor {
  readonly #inner: BatchSpanProcessor;
  readonly #observer: SpanObserver;
  readonly #seen = new Set<string>();
  #waiting = 0;
  #becomesIdle: () => void = () => undefined;

  constructor(exporter: SpanExporter, observer: SpanObserver) {
    this.#observer = observer;
    this.#inner = new BatchSpanProcessor(
      {
        export: (spans, done) => {
          exporter.export(spans, (result) => {
            this.#waiting -= spans.length;
            if (isExported(result)) observer.exported(spans.length);
            else this.#failed(spans.length, result.error);
            done(result);
            if (this.#waiting === 0) this.#becomesIdle();
          });
        },
        shutdown: () => exporter.shutdown(),
      },
      { maxQueueSize: maxWaiting },
    );
  }

  /** Resolves when no span waits for the collector. */
  get idle(): Promise<void> {
    if (this.#waiting === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#becomesIdle = resolve));
  }

  onStart(): void {
    // Spans are counted at their end.
  }

  onEnd(span: ReadableSpan): void {
    if (this.#waiting >= maxWaiting) {
      this.#observer.dropped();
      return;
    }
    this.#waiting += 1;
    this.#inner.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#inner.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  #failed(spans: number, error: unknown): void {
    this.#observer.failed(spans);
    const kind = failureKind(error);
    if (this.#seen.has(kind) || this.#seen.size >= maxKinds) return;
    this.#seen.add(kind);
    this.#observer.firstFailure(kind);
  }
}

/** 0 is `ExportResultCode.SUCCESS` of `@opentelemetry/core`, which the program does not need otherwise. */
function isExported({ code }: { readonly code: number }): boolean {
  return code === 0;
}
