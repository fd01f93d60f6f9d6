import type { Reply, ReplyHead } from '../core/messages/reply.ts';
import type { TracedCall } from '../trace/traced-call.ts';

/** A caller that waits for an answer. The engine calls `answer`, or `begin`, `write`…, `end`, or `cut`. */
export interface Caller {
  /** Whether the client accepts only XML. */
  readonly onlyXml: boolean;
  /** Whether `Transfer-Encoding` may be in the answer. Clients of HTTP/1.0 do not know it. */
  readonly takesCodings: boolean;
  /** The trace of the call; `undefined` for most calls, because few are traced. */
  readonly trace?: TracedCall | undefined;
  answer(reply: Reply): void;
  /** @param canPause whether the answer waits if `write` returns `false`. If not, the caller may be cut off then. */
  begin(head: ReplyHead, canPause: boolean): void;
  /** Returns whether more may be written at once. If not, `onDrained` is called as soon as it may. */
  write(chunk: Buffer): boolean;
  end(): void;
  /** Closes the connection, because the client reads too slowly an answer that cannot be paused. */
  cutReader(): void;
  /** Closes the connection, so that an incomplete answer never looks complete. */
  cut(): void;
  onDrained: (() => void) | undefined;
}
