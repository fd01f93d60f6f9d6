import type { RawHeaders } from '../core/messages/http-message.ts';

/** An object instead of a function, because each waiting call would need a closure of its own. */
export interface OverListener {
  over(): void;
}

/** An operation that a request starts. */
export interface StartedOperation {
  /** To be called with the head of the final answer, before the head is written. */
  answered(status: number, headers: RawHeaders): void;
}
