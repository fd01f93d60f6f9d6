/**
 * The simulator's memory, which tests ask: which calls ran, how often, for whom; and which HTTP
 * requests came, byte for byte.
 */
import { BoundedLog } from './bounded.ts';
import type { CredentialKind } from './credentials.ts';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';

const maxBodyBytes = 1024 * 1024;

/** How much a ledger remembers. */
interface LedgerBounds {
  readonly maxEntries: number;
  readonly maxRequests: number;
  /** Bytes of all bodies together. */
  readonly maxBytes: number;
}

const usualBounds: LedgerBounds = {
  maxEntries: 200_000,
  maxRequests: 10_000,
  maxBytes: 256 * 1024 * 1024,
};

/** One call that ran. A refused batch (429, 400 …) runs nothing, a refused part does not run either. */
export interface LedgerEntry {
  /** Counts executions from 1. */
  readonly seq: number;
  /** When it ran: milliseconds of the monotonic clock, `performance.now()`. */
  readonly at: number;
  /** Whose credential it was; undefined outside UCWA (discovery, tokens, byte streams). */
  readonly user: string | undefined;
  readonly credential: CredentialKind;
  /** Application id; undefined outside an application. */
  readonly application: string | undefined;
  readonly method: string;
  /** The target as it was asked for, query included. */
  readonly target: string;
  readonly via: 'single' | 'batch';
  /** `id` of the HTTP request that brought it. */
  readonly requestId: number;
  /** The same number, for parts of a batch. */
  readonly batchId: number | undefined;
  /** Place in its batch, from 0; undefined for a single call. */
  readonly position: number | undefined;
  /** Its `X-Nonce` header, which its answer repeats, else its `nonce` query parameter. */
  readonly nonce: string | undefined;
  /** The status with which the resource answered, whatever a scripted fault then made of it. */
  readonly status: number;
}

/** One part of a batch as it reached the simulator. */
export interface ReceivedPart {
  /** Header lines of the multipart part, before the embedded message, without the blank line. */
  readonly mimeHead: string;
  /** Request line and header lines of the embedded message, without the blank line. */
  readonly head: string;
  readonly method: string;
  readonly target: string;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
}

/** One HTTP request as it reached the simulator. */
export interface ReceivedRequest {
  readonly id: number;
  /** When its head had come: milliseconds of the monotonic clock. */
  readonly at: number;
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: FlatHeaders;
  /** Its first bytes, at most 1 MiB. */
  readonly body: Buffer;
  /** How many bytes of body came, whether kept or not. */
  readonly bodyBytes: number;
  /** Whether the body has come to its end. */
  readonly complete: boolean;
  /** The parts, if it was a well-formed batch. */
  readonly parts: readonly ReceivedPart[];
}

/** A ReceivedRequest in the making. */
export class RequestRecord implements ReceivedRequest {
  readonly id: number;
  readonly at = performance.now();
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: FlatHeaders;
  readonly #chunks: Buffer[] = [];
  keptBytes = 0;
  bodyBytes = 0;
  complete = false;
  parts: readonly ReceivedPart[] = [];

  constructor(id: number, method: string, target: string, rawHeaders: FlatHeaders) {
    this.id = id;
    this.method = method;
    this.target = target;
    this.rawHeaders = rawHeaders;
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Returns how many of these bytes it kept. */
  addBody(chunk: Buffer): number {
    this.bodyBytes += chunk.length;
    const kept = chunk.subarray(0, maxBodyBytes - this.keptBytes);
    this.keptBytes += kept.length;
    if (kept.length > 0) this.#chunks.push(kept);
    return kept.length;
  }
}

/** A LedgerEntry before the ledger has numbered and dated it. */
export type Execution = Omit<LedgerEntry, 'seq' | 'at' | 'nonce'> & {
  readonly headers: FlatHeaders;
};

/** What ran (the last 200,000 calls) and what came (the last 10,000 requests, 256 MiB of bodies). */
export class Ledger {
  readonly #byNonce = new Map<string, LedgerEntry[]>();
  readonly #entries: BoundedLog<LedgerEntry>;
  readonly #requests: BoundedLog<RequestRecord>;
  readonly #maxBytes: number;
  #bodyBytes = 0;
  #seq = 0;
  #requestId = 0;

  constructor({ maxEntries, maxRequests, maxBytes } = usualBounds) {
    this.#maxBytes = maxBytes;
    this.#entries = new BoundedLog(maxEntries, ({ nonce }) => {
      if (nonce !== undefined) this.#byNonce.delete(nonce);
    });
    this.#requests = new BoundedLog(maxRequests, ({ keptBytes }) => {
      this.#bodyBytes -= keptBytes;
    });
  }

  /** Every execution, oldest first. */
  entries(): readonly LedgerEntry[] {
    return this.#entries.last();
  }

  /** The executions of the call that carried this nonce: exactly one where all is well. */
  executions(nonce: string): readonly LedgerEntry[] {
    return this.#byNonce.get(nonce) ?? [];
  }

  /** Every HTTP request, in the order in which their heads came. */
  requests(): readonly ReceivedRequest[] {
    return this.#requests.last();
  }

  /** Forgets all; numbers go on. */
  clear(): void {
    this.#entries.clear();
    this.#byNonce.clear();
    this.#requests.clear();
    this.#bodyBytes = 0;
  }

  /** The simulator's own: notes that a request's head has come. */
  received(method: string, target: string, rawHeaders: FlatHeaders): RequestRecord {
    const record = new RequestRecord(++this.#requestId, method, target, rawHeaders);
    this.#requests.add(record);
    return record;
  }

  /** The simulator's own: more of a request's body. */
  receivedBody(record: RequestRecord, chunk: Buffer): void {
    this.#bodyBytes += record.addBody(chunk);
    if (this.#bodyBytes > this.#maxBytes) this.#requests.forgetOlderHalf();
  }

  /** The simulator's own: notes that a call ran. */
  ran({ headers, ...execution }: Execution): void {
    const query = execution.target.split('?')[1];
    const nonce =
      headerValue(headers, 'x-nonce') ?? new URLSearchParams(query).get('nonce') ?? undefined;
    const entry = { ...execution, seq: ++this.#seq, at: performance.now(), nonce };
    this.#entries.add(entry);
    if (nonce === undefined) return;
    const siblings = this.#byNonce.get(nonce);
    if (siblings) siblings.push(entry);
    else this.#byNonce.set(nonce, [entry]);
  }
}
