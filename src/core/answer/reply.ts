import type { RawHeaders } from '../wire/http-message.ts';

/** A whole answer to a caller. `headers` is what is written, `Content-Length` included. */
export interface Reply {
  readonly status: number;
  /** Empty: Node's phrase for the status. */
  readonly reason: string;
  readonly headers: RawHeaders;
  readonly body: Buffer;
}

/** The head of an answer whose body follows in pieces. */
export interface ReplyHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
}
