import type { BatchKey } from '../ucwa/batch-key.ts';
import type { RawHeaders } from './http-message.ts';

/**
 * - `safe`: a GET; it may be asked again.
 * - `unsafe`: a POST, PUT or DELETE.
 * - `operation`: a POST that starts an operation; it is never held, and leaves alone.
 */
export type CallClass = 'safe' | 'unsafe' | 'operation';

/** What of a call goes to the pool. */
export interface OutgoingCall {
  readonly method: string;
  readonly target: string;
  /** As the caller sent them. */
  readonly headers: RawHeaders;
  readonly body: Buffer;
  readonly key: BatchKey;
}
