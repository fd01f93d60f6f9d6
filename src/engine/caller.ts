import type { Reply, ReplyHead } from '../core/messages/reply.ts';

/** Somebody who waits for an answer: gets `answer`, or `begin`, `write`…, `end`, or `cut`. */
export interface Caller {
  /** Accepts XML and nothing else. */
  readonly onlyXml: boolean;
  /** Wants to know what became of its call on the way. */
  readonly explain: boolean;
  /** Whether `Transfer-Encoding` may stand in an answer to it: a client of HTTP/1.0 knows none. */
  readonly takesCodings: boolean;
  answer(reply: Reply): void;
  begin(head: ReplyHead): void;
  /** Whether more may follow at once; if not, `onDrained` is called when it may. */
  write(chunk: Buffer): boolean;
  end(): void;
  /** Breaks the connection off: it takes too little of an answer that cannot wait. */
  cutReader(): void;
  /** Breaks the connection off, so that an answer that is not whole never looks it. */
  cut(): void;
  onDrained: (() => void) | undefined;
}
