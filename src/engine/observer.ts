import type { FlushReason } from '../core/schedule/state.ts';
import type { SchedulerEvents } from '../core/schedule/observer.ts';
import type { WaitTimes } from '../core/schedule/wait-times.ts';
import type { TracedRequest } from './traced-request.ts';

/** Events of the engine, for metrics. Durations are in ms. */
export interface EngineObserver extends SchedulerEvents {
  callSent(waits: WaitTimes): void;
  /** An identical call shares the part of another call. */
  collapsed(): void;
  /**
   * A batch or a single request is sent.
   *
   * @param newCalls calls in it that were not sent before
   */
  requestSent(newCalls: number): void;
  /** A request with at least one traced call is sent. */
  tracedSent?(request: TracedRequest): void;
  batchSent(parts: number, bytes: number, reason: FlushReason): void;
  upstreamAnswered(kind: 'batch' | 'single', status: number): void;
  /** A request has ended, with an answer or without. */
  upstreamEnded(kind: 'batch' | 'single', durationMs: number): void;
  protocolError(kind: ProtocolError): void;
  /** The deadline of a call has passed while the pool worked on it. */
  callLate?(): void;
  /** An unexpected exception. The engine answers the calls that it concerns. */
  internalError(error: unknown): void;
}

/** Label values of `ucwa_proxy_protocol_errors_total`, a closed set. */
export type ProtocolError =
  | 'not_multipart'
  | 'no_delimiter'
  | 'truncated'
  | 'fewer_parts'
  | 'more_parts'
  | 'malformed_part'
  | 'too_large'
  | 'coding'
  | 'self_link'
  /** Bytes that no request asked for, after an answer or on an idle connection. */
  | 'unsolicited';
