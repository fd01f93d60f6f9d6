/** One HTTP request that the simulator works on. */
import type { BatchReading } from '../batch/batch-reading.ts';
import type { CredentialKind } from '../pool/credentials.ts';
import type { Fault } from '../faults/fault.ts';
import type { FlatHeaders } from '../representation/headers.ts';
import type { RequestRecord } from '../pool/request-log.ts';
import type { Reply } from './reply.ts';

export interface Exchange {
  readonly method: string;
  readonly target: string;
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
