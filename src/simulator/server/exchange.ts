/** One HTTP request that the simulator works on. */
import type { BatchReading } from '../batch/batch-reading.ts';
import type { CredentialKind } from '../sign-in/credentials.ts';
import type { ConnectionSignIn } from '../sign-in/connection-sign-in.ts';
import type { Fault } from '../faults/fault.ts';
import type { FlatHeaders } from '../representation/headers.ts';
import type { RequestRecord } from '../pool/request-log.ts';
import type { Reply } from './reply.ts';

export interface Exchange {
  readonly method: string;
  readonly target: string;
  /** Value of `Host`. */
  readonly host: string;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
  /** Undefined if the request is not a POST to a batch resource. */
  readonly batch: BatchReading | undefined;
  /** Undefined without a valid credential. */
  readonly user: string | undefined;
  readonly credential: CredentialKind;
  readonly record: RequestRecord;
  readonly faults: readonly Fault[];
  readonly reply: Reply;
  /** Name of the server that received the request. */
  readonly server: string;
  /** Sign-in of the connection that the request came on. */
  readonly connection: ConnectionSignIn;
  /** Returns the fields of an answer, with those of the web server and of CORS. */
  readonly fieldsOf: (own: FlatHeaders) => string[];
}

/** Counters of the simulator. */
export interface Counters {
  /** Received HTTP requests, including refused ones. */
  requests: number;
  /** Received batch requests. */
  batches: number;
  /** Parts of accepted batches. */
  parts: number;
  /** Refused parts, which break a rule for parts. A correct client causes none. */
  refusedParts: number;
  /** Accepted single calls, without polls and requests outside UCWA. */
  singles: number;
  /** Requests refused because of the user's limit; a batch counts once. */
  refused429: number;
  /** Accepted TCP connections. */
  connections: number;
  openConnections: number;
  parkedPolls: number;
}
