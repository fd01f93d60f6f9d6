import type { OutgoingCall } from '../wire/encode-batch.ts';
import type { RawHeaders } from '../wire/http-message.ts';

/** What tells the question that an answer belongs to. */
export type Asked = Pick<OutgoingCall, 'target' | 'key'>;

/** A whole answer to a caller. `headers` is what is written, `Content-Length` included. */
export interface Reply {
  readonly status: number;
  /** Empty: Node's phrase for the status. */
  readonly reason: string;
  readonly headers: RawHeaders;
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
