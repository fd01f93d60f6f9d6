import type { RawHeaders } from './http-message.ts';
import type { OutgoingCall } from './outgoing-call.ts';
import type { Fault, Failure } from './fault.ts';

/** What tells the question that an answer belongs to. */
export type Asked = Pick<OutgoingCall, 'target' | 'key'>;

/** A whole answer to a caller. */
export interface Reply {
  readonly status: number;
  /** Empty: Node's phrase for the status. */
  readonly reason: string;
  /** Without `Content-Length`, which `lengthOf` has. */
  readonly headers: RawHeaders;
  /**
   * Status line and `headers` as they stand on the wire, a date among them: made once for several
   * answers. Who changes something of it drops it.
   */
  readonly head?: Buffer | undefined;
  readonly body: Buffer;
  /** Of an answer that came as a part: whose. */
  readonly asked?: Asked;
}

/** The head of an answer whose body follows in pieces. */
export interface ReplyHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
}

/** What its `Content-Length` says; `undefined`: it has none (RFC 9110 section 8.6). */
export function lengthOf({ status, body }: Reply): number | undefined {
  return status === 204 || status === 304 ? undefined : body.length;
}

/** Whether the outcome is a reply, not a fault or a failure. */
export function isReply(outcome: Reply | Failure | Fault): outcome is Reply {
  return typeof outcome === 'object' && 'status' in outcome;
}
