import type { FlushReason } from '../core/schedule/state.ts';
import type { Notes } from '../core/schedule/observer.ts';
import type { Waits } from '../core/schedule/queue/queue-time.ts';

/** What the engine tells of its work; metrics listen. Durations are milliseconds. */
export interface EngineObserver extends Notes {
  callLeft(waits: Waits): void;
  /** An identical call shares its part. */
  collapsed(): void;
  /** A batch or a single call. @param newCalls those in it that have not left before */
  requestLeft(newCalls: number): void;
  batchLeft(parts: number, bytes: number, reason: FlushReason): void;
  upstreamAnswered(kind: 'batch' | 'single', status: number): void;
  /** Over, however it ended. */
  upstreamEnded(kind: 'batch' | 'single', durationMs: number): void;
  protocolError(kind: ProtocolError): void;
  /** An exception where none can be: counted, and the calls concerned are answered. */
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
  /** Bytes that no request asked for, behind an answer or on an idle connection. */
  | 'unsolicited';
