import type { FaultName, FaultPhase } from '../core/messages/fault.ts';

/** Maximum time in ms that a request waits for a connection to the pool. A silent answer can take longer. */
const maxQueuedMs = 120_000;

/** Decides how long an exchange may go on without a byte. */
export class Activity {
  /** Whether the request can be sent, so that it waits for a connection to the pool until it has one. */
  isReady = false;
  #bytes = 0;
  #lastMs: number;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /**
   * Whether the exchange has had no byte for too long. To be called at regular intervals.
   *
   * @param bytes number of bytes that both sides have sent
   * @param idleTimeoutMs limit for an exchange that does not wait for a connection
   */
  isIdle(bytes: number, hasConnection: boolean, nowMs: number, idleTimeoutMs: number): boolean {
    if (bytes !== this.#bytes) this.#lastMs = nowMs;
    this.#bytes = bytes;
    const isQueued = this.isReady && !hasConnection;
    return (
      nowMs - this.#lastMs >= (isQueued ? Math.min(idleTimeoutMs, maxQueuedMs) : idleTimeoutMs)
    );
  }
}

/** Returns the name of the fault of an exchange that has had no byte for too long. */
export function idleName(phase: FaultPhase, hasConnection: boolean): FaultName {
  if (phase === 'unknown') return 'http_response_timeout';
  return hasConnection ? 'connection_timeout' : 'connection_limit_reached';
}
