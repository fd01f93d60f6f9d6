import type { BatchKey } from '../ucwa/batch-key.ts';
import type { RawHeaders } from './http-message.ts';

/**
 * - `safe`: a GET, which may be retried.
 * - `unsafe`: a POST, PUT or DELETE.
 * - `operation`: a POST that starts an operation of UCWA. It is never held, and is sent unbatched.
 */
export type CallClass = 'safe' | 'unsafe' | 'operation';

/** The content of a call for the pool. */
export interface OutgoingCall {
  readonly method: string;
  readonly target: string;
  /** The fields as the caller sent them. */
  readonly headers: RawHeaders;
  readonly body: Buffer;
  readonly key: BatchKey;
  /** Whether the call travels by itself. The proxy asks, so nothing is learned from when it comes. */
  readonly isAlone?: true;
}
