import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from '../core/messages/fault.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';

/** One call to relay to the pool as it is. */
export interface PassThroughCall {
  /** http-proxy may change its `headers`; `rawHeaders` stay. */
  readonly request: IncomingMessage;
  /** Without fields set on it; `shouldKeepAlive = false` makes the answer say `Connection: close`. */
  readonly response: ServerResponse;
  /** The exact bytes of the request line's target. */
  readonly target: string;
  /**
   * The end-to-end fields to send, names and values in turn, `Host` already the pool's. Spelling,
   * order and repeats are kept; `Connection` and what frames the body are added.
   */
  readonly headers: readonly string[];
  /** A long poll of `events`: waits for no socket, and is never timed out by us. */
  readonly poll: boolean;
  /**
   * Whether the client's connection is bound: the call travels on the one connection to the pool that
   * belongs to it.
   */
  readonly isBound: boolean;
  /**
   * Whose share of the connections the call takes: the name of the user, or the address of the client while the
   * pool has not answered that user.
   */
  readonly owner: string;
  /**
   * The name of the user, empty for a client without a credential; `undefined` where that may be
   * anybody, behind another proxy.
   */
  readonly user: string | undefined;
}

/** How an exchange ended; `responded`: the head of the pool's answer went to the client. */
export type PassThroughOutcome =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'client-left'; readonly responded: boolean }
  | {
      readonly kind: 'failed';
      readonly fault: Fault;
      readonly responded: boolean;
      /** What was thrown on our side: a bug, for the log. */
      readonly error?: unknown;
    };

/** Told what becomes of one call. `ended` must not throw. */
export interface PassThroughObserver {
  /**
   * The head of the pool's answer came, with these end-to-end fields.
   *
   * @returns the fields that the client gets
   */
  responded(status: number, headers: RawHeaders): RawHeaders;
  /** The exchange is over. Exactly once a call. */
  ended(outcome: PassThroughOutcome): void;
  /**
   * Must answer the client, for the pool did not. At most once, before `ended`, and only while no
   * byte of an answer was written. If the request has not been read whole, the connection closes
   * behind the answer.
   */
  fail(fault: Fault): void;
}
