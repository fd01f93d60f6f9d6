/** One HTTP request on its way through the simulator. */
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
  /** Undefined if the request is no batch, by method and target. */
  readonly batch: BatchReading | undefined;
  /** Undefined without a good credential. */
  readonly user: string | undefined;
  readonly credential: CredentialKind;
  readonly record: RequestRecord;
  readonly faults: readonly Fault[];
  readonly reply: Reply;
}

/** What the simulator counts while it runs. */
export interface Counters {
  /** HTTP requests received, whatever became of them. */
  requests: number;
  /** Batch requests among them. */
  batches: number;
  /** Parts of the batches that were let in. */
  parts: number;
  /** Parts of batches that no batch may have: a well-built client leaves this at 0. */
  refusedParts: number;
  /** Calls let in that came by themselves; neither polls nor what is outside UCWA. */
  singles: number;
  /** Requests refused for the user's limit; a batch counts once. */
  refused429: number;
  /** TCP connections accepted. */
  connections: number;
  openConnections: number;
  parkedPolls: number;
}
