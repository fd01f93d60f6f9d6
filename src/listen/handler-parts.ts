/** The parts and limits of the request handler. */
import type { IncomingMessage } from 'node:http';
import type { ClassifyRules } from '../core/ucwa/classify.ts';
import type { Engine } from '../engine/engine.ts';
import type { ConnectionAuthMode } from './connection-auth.ts';
import type { Newcomers } from './newcomers.ts';
import type { AccessLog, CallWatch } from './observer.ts';
import type { PassThroughParts, PassThroughPool } from './pass-through-handler.ts';
import type { WriteBufferLimits } from './write-buffer-limit.ts';
import type { CallTracer } from '../trace/call-tracer.ts';

/** The parts of one pool that requests use. */
export interface HandlerPool extends PassThroughPool {
  readonly engine: Pick<Engine, 'submit' | 'cancel' | 'barrier' | 'passedThrough'>;
  readonly connectionAuth: ConnectionAuthMode;
  /** Whether calls to this pool are batched. If not, all of them pass through. */
  readonly isBatched: boolean;
}

export interface HandlerParts extends PassThroughParts {
  /** All pools, in the order of their names in `HttpServerOptions.names`. */
  readonly pools: readonly HandlerPool[];
  /** Limits the new users of all listeners. */
  readonly newcomers: Newcomers;
  /** `undefined`: no call is traced. */
  readonly tracer?: CallTracer | undefined;
  readonly accessLog: AccessLog;
  /** Has a watch while the page of the admin port is open. */
  readonly watch?: { readonly current: CallWatch | undefined } | undefined;
  readonly rules: ClassifyRules;
  /** Limit for the received bytes of all bodies. */
  readonly maxBodyBytes: number;
  /** Limits for answers that are buffered for slow readers. */
  readonly unread: WriteBufferLimits;
  /** Whether the peer is trusted, so that its `X-Forwarded-For` counts. */
  readonly isTrusted: (request: IncomingMessage) => boolean;
  /** Limit for the wait of a batchable call before it is submitted to the engine, in ms. */
  readonly timeoutMs: number;
  /** Time in ms after which a caller that reads no byte of a streamed answer is disconnected. */
  readonly stallMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Limit for the callers that wait for an answer. */
  readonly maxWaiting: number;
  /** Wait for an answer, in ms, that only a bug of the proxy can cause. The caller is then answered. */
  readonly overdueMs: number;
}
