import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault, FaultPhase } from '../core/messages/fault.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import type { ReplyHead } from '../core/messages/reply.ts';
import type { AnswerGate } from './answer-gate.ts';

/** One call that is passed through to the pool. */
export interface PassThroughCall {
  /** http-proxy may change `request.headers`. It never changes `request.rawHeaders`. */
  readonly request: IncomingMessage;
  /** Has no fields set. `shouldKeepAlive = false` makes the answer say `Connection: close`. */
  readonly response: ServerResponse;
  /** The exact bytes of the request line's target. */
  readonly target: string;
  /**
   * The end-to-end fields to send, names and values in turn, with the `Host` of the pool. Spelling, order and
   * repeated fields are kept. The pass-through adds `Connection` and the framing of the body.
   */
  readonly headers: readonly string[];
  /** Whether the call is a long poll of `events`. A poll never waits for a socket, and has no timeout. */
  readonly poll: boolean;
  /** Whether the client's connection is bound. Its calls use its own connection to the pool. */
  readonly isBound: boolean;
  /**
   * The owner that the connection limit counts the call for: the name of the user. While the pool has not
   * answered that user, the owner is the address of the client.
   */
  readonly owner: string;
  /**
   * The name of the user, empty for a client without a credential. It is `undefined` for a call without a
   * credential that came through another proxy, because different users share that proxy's connections.
   */
  readonly user: string | undefined;
  /** Delays the answer with status 200; `undefined` if the answer is relayed as it arrives. */
  readonly gate?: AnswerGate | undefined;
}

/** How an exchange ended. `responded`: whether the client received the head of the pool's answer. */
export type PassThroughOutcome = {
  /** The origin of the server that got the call, in a pool of several servers. */
  readonly server?: string;
} & (
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'client-left'; readonly responded: boolean }
  /** The client stopped sending its body before an answer began. */
  | { readonly kind: 'slow-body'; readonly phase: FaultPhase }
  | {
      readonly kind: 'failed';
      readonly fault: Fault;
      readonly responded: boolean;
      /** The exception, if a bug of the proxy is the cause. For the log. */
      readonly error?: unknown;
    }
);

/** Changes the body of an answer. The proxy buffers the body for it. */
export interface BodyRewrite {
  /** A longer body streams to the client unchanged. */
  readonly maxBytes: number;
  /** Returns the fields and the body that the client receives. */
  rewrite(body: Buffer): { readonly headers: RawHeaders; readonly body: Buffer };
  /** Called if the body is longer than `maxBytes`. */
  tooLarge(): void;
}

/** Codes the body of an answer as it arrives. */
export interface BodyCoder {
  /** Returns whether more may be written at once. If not, `onDrained` is called as soon as it may. */
  write(chunk: Buffer): boolean;
  /** Ends the body. */
  end(): void;
  onDrained: (() => void) | undefined;
}

/** Where the coded answer goes. */
export interface CoderOutput {
  /** Writes the head. Returns `false` if the exchange is over. */
  readonly begin: (fields: RawHeaders) => boolean;
  /** The whole body has been written. */
  readonly ended: () => void;
  readonly broke: (error: unknown) => void;
}

/** Receives the events of one call. `ended` must not throw. */
export interface PassThroughObserver {
  /**
   * Receives the status and the end-to-end fields of the pool's answer.
   *
   * @returns the fields that the client receives
   */
  responded(status: number, headers: RawHeaders): RawHeaders;
  /**
   * Returns how the body changes; `undefined` if it streams unchanged. Called after `responded`, and only for an
   * answer that has a body.
   *
   * @param headers the result of `responded`
   */
  bodyRewrite?(status: number, headers: RawHeaders): BodyRewrite | undefined;
  /**
   * Returns the coder of a body that streams; `undefined` if the body is not coded. Called after `bodyRewrite`.
   *
   * @param head the status, and the result of `responded`
   */
  bodyCoder?(head: ReplyHead, output: CoderOutput): BodyCoder | undefined;
  /** Called exactly once, when the exchange is over. */
  ended(outcome: PassThroughOutcome): void;
  /**
   * Must answer the client, because the pool did not. Called at most once, before `ended`, and only if no
   * byte of an answer was written. If a part of the request is unread, the connection closes after this
   * answer.
   */
  fail(fault: Fault): void;
  /** Like `fail`, if the client has stopped sending its body. The phase is that of a fault. */
  refuseBody(phase: FaultPhase): void;
}
