import type { RawHeaders } from './http-message.ts';
import type { OutgoingCall } from './outgoing-call.ts';
import type { Fault, Failure } from './fault.ts';

/** The target and key of a call. A response may go only to calls with the same target and key. */
export type Asked = Pick<OutgoingCall, 'target' | 'key'>;

/** A complete response to a caller. */
export interface Reply {
  readonly status: number;
  /** The reason phrase. If it is empty, Node's phrase for the status is sent. */
  readonly reason: string;
  /** The fields without `Content-Length`; see `lengthOf`. */
  readonly headers: RawHeaders;
  /**
   * Status line and `headers` in wire format, with a `Date`. Several responses may share one buffer, which saves
   * encoding each head. Code that changes status, reason or headers must remove `head`.
   */
  readonly head?: Buffer | undefined;
  readonly body: Buffer;
  /** Why the proxy made this response itself: the name of a fault, or the reason of a refusal. */
  readonly cause?: string;
  /** The call that this response answers, if it was a part of a batch response; otherwise `undefined`. */
  readonly asked?: Asked;
  /** Whether the pool coded the batch response that this response was a part of. */
  readonly wasCoded?: boolean;
}

/** The head of a response with a streamed body. */
export interface ReplyHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
}

/**
 * Returns the `Content-Length` of a response; `undefined` if the response must have none (RFC 9110 section
 * 8.6).
 */
export function lengthOf({ status, body }: Reply): number | undefined {
  return status === 204 || status === 304 ? undefined : body.length;
}

/** Whether the outcome of a call is a response. */
export function isReply(outcome: Reply | Failure | Fault): outcome is Reply {
  return typeof outcome === 'object' && 'status' in outcome;
}
