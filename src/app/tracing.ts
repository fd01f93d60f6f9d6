/** Starts the traces if an endpoint is set. Without an endpoint, nothing of OpenTelemetry's SDK is loaded. */
import { setImmediate as immediate } from 'node:timers/promises';
import { systemClock } from '../engine/clock.ts';
import type { EngineObserver } from '../engine/observer.ts';
import type { EngineParts } from '../engine/options.ts';
import { tracedEnd } from '../engine/traced-request.ts';
import type { ListenObserver } from '../listen/observer.ts';
import type { Log } from '../log/log.ts';
import type { SpanMetrics } from '../metrics/span-metrics.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import { CallTracer } from '../trace/call-tracer.ts';
import { RequestTracer } from '../trace/request-tracer.ts';
import type { SpanSource } from '../trace/spans.ts';

/** Limit for the traced calls that wait for an answer. */
const maxOpenCalls = 5000;

/** The traces of all pools. */
export class Tracing {
  readonly calls: CallTracer;
  readonly #source: SpanSource;

  constructor(source: SpanSource, calls: CallTracer) {
    this.#source = source;
    this.calls = calls;
  }

  /** Returns the observer with the ends of traced calls. */
  listenObserver<O extends Pick<ListenObserver, 'finished'>>(observer: O): O {
    return {
      ...observer,
      finished(call) {
        observer.finished(call);
        call.trace?.finished(call, systemClock.now());
      },
    };
  }

  /** Returns what reports the requests to one pool. */
  requests(): Required<Pick<EngineObserver, 'tracedSent'>> & {
    readonly ended: NonNullable<EngineParts['ended']>;
  } {
    const requests = new RequestTracer(this.#source);
    return {
      tracedSent: (request) => requests.sent(request),
      ended: (batch, ending, nowMs) => {
        if (requests.isEmpty) return;
        requests.ended(tracedEnd(batch, ending, nowMs));
      },
    };
  }

  /** Exports what is left, for at most this time in ms. */
  async stop(withinMs: number): Promise<void> {
    // The connections that were closed last report their ends first.
    await immediate();
    await this.#source.stop(withinMs);
  }
}

export interface TracingParts {
  readonly log: Log;
  readonly version: string;
  readonly metrics: SpanMetrics;
}

/** Returns `undefined` if no endpoint is set, or if OpenTelemetry is not installed. */
export async function startTracing(
  { trace: { endpoint, sampleRatio } }: ServeSettings,
  { log, version, metrics }: TracingParts,
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined;
  const otlp = await import('../trace/otlp.ts').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    log.error(
      'there are no traces: the packages @opentelemetry/* are not installed. Install the optional dependencies, or unset trace.endpoint and OTEL_EXPORTER_OTLP_*',
    );
    return undefined;
  });
  if (otlp === undefined) return undefined;
  const source = otlp.createOtlpSource({
    url: endpoint,
    version,
    now: systemClock.now,
    observer: {
      ...metrics,
      firstFailure: (kind) =>
        log.warn(
          'spans cannot be exported, and are lost. Check trace.endpoint and the collector. ucwa_proxy_spans_total counts further failures of this kind',
          { kind },
        ),
    },
  });
  const calls = new CallTracer(source, {
    sampleRatio,
    maxOpen: maxOpenCalls,
    random: Math.random,
    hashUser: log.hashUser,
    dropped: metrics.dropped,
  });
  return new Tracing(source, calls);
}
