/** Spans, as the rest of this folder sees them. Only `otlp.ts` knows OpenTelemetry. */

/** Names a span, of this process or of a client. */
export interface SpanRef {
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * Why a span leads to another one:
 * - `call`: from a request to the pool to a call that it carries.
 * - `request`: from a call to a request that carries it.
 * - `refused`, `repeated`: from a request to an earlier request of the same call, which the pool refused, or which
 *   brought no answer.
 */
type LinkReason = 'call' | 'request' | 'refused' | 'repeated';

export interface Link {
  readonly to: SpanRef;
  readonly reason: LinkReason;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

interface NewSpan {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  /** In ms of the proxy's clock. */
  readonly startMs: number;
  /** The span of a client, or of this process. Without it the span begins a trace. */
  readonly parent?: SpanRef | undefined;
  readonly links?: readonly Link[];
  readonly attributes: Attributes;
}

/** A span that has not ended. Its times are in ms of the proxy's clock. */
export interface OpenSpan extends SpanRef {
  set(attributes: Attributes): void;
  link(link: Link): void;
  /** Marks the work of the span as failed. */
  fail(): void;
  end(atMs: number): void;
}

export interface SpanSource {
  start(span: NewSpan): OpenSpan;
  /** Exports what has ended, for at most this time in ms. No span may end later. */
  stop(withinMs: number): Promise<void>;
}
