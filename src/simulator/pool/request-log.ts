/**
 * The ledger of the simulator, for tests. It has every call that ran, with its user, and every HTTP
 * request that arrived, byte for byte.
 */
import { BoundedLog } from './bounded.ts';
import type { CredentialKind } from '../sign-in/credentials.ts';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';

const maxBodyBytes = 1024 * 1024;

/** Bounds on the memory of a ledger. */
interface LedgerBounds {
  readonly maxEntries: number;
  readonly maxRequests: number;
  /** Maximum size of all bodies together. */
  readonly maxBytes: number;
}

const usualBounds: LedgerBounds = {
  maxEntries: 200_000,
  maxRequests: 10_000,
  maxBytes: 256 * 1024 * 1024,
};

/** One call that ran. The parts of a refused batch (429, 400 …) do not run, nor does a refused part. */
export interface LedgerEntry {
  /** Number of the execution, from 1. */
  readonly seq: number;
  /** Time of the execution, in ms of `performance.now()`. */
  readonly at: number;
  /** User of the credential; undefined outside UCWA (discovery, tokens, byte streams). */
  readonly user: string | undefined;
  readonly credential: CredentialKind;
  /** Application id; undefined outside an application. */
  readonly application: string | undefined;
  readonly method: string;
  /** Target of the request, with its query. */
  readonly target: string;
  readonly via: 'single' | 'batch';
  /** `id` of the HTTP request with this call. */
  readonly requestId: number;
  /** `id` of the HTTP request, if it was a batch. */
  readonly batchId: number | undefined;
  /** Position in the batch, from 0; undefined for a single call. */
  readonly position: number | undefined;
  /** Value of the `X-Nonce` header, or else of the query parameter `nonce`. */
  readonly nonce: string | undefined;
  /** Status of the resource's answer, before a scripted fault changes it. */
  readonly status: number;
}

/** One received part of a batch. */
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

/** One received HTTP request. */
export interface ReceivedRequest {
  readonly id: number;
  /** Time when the head was complete, in ms of `performance.now()`. */
  readonly at: number;
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: FlatHeaders;
  /** First bytes of the body, at most 1 MiB. */
  readonly body: Buffer;
  /** Number of bytes of the body that arrived, including those that were not kept. */
  readonly bodyBytes: number;
  /** Whether the whole body has arrived. */
  readonly complete: boolean;
  /** The parts, if it was a well-formed batch. */
  readonly parts: readonly ReceivedPart[];
}

/** A ReceivedRequest that is still arriving. */
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

  /** Adds bytes of the body, and returns the number of bytes kept. */
  addBody(chunk: Buffer): number {
    this.bodyBytes += chunk.length;
    const kept = chunk.subarray(0, maxBodyBytes - this.keptBytes);
    this.keptBytes += kept.length;
    if (kept.length > 0) this.#chunks.push(kept);
    return kept.length;
  }
}

/** A LedgerEntry without the fields that the ledger adds. */
export type Execution = Omit<LedgerEntry, 'seq' | 'at' | 'nonce'> & {
  readonly headers: FlatHeaders;
};

/** Records the last 200,000 calls that ran, and the last 10,000 requests (256 MiB of bodies). */
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

  /** Returns the executions, oldest first. */
  entries(): readonly LedgerEntry[] {
    return this.#entries.last();
  }

  /** Returns the executions of the call with this nonce. A call must not run more than once. */
  executions(nonce: string): readonly LedgerEntry[] {
    return this.#byNonce.get(nonce) ?? [];
  }

  /** Returns the HTTP requests in the order in which their heads arrived. */
  requests(): readonly ReceivedRequest[] {
    return this.#requests.last();
  }

  /** Removes all records. Numbers continue. */
  clear(): void {
    this.#entries.clear();
    this.#byNonce.clear();
    this.#requests.clear();
    this.#bodyBytes = 0;
  }

  /** Only for the simulator: records the head of a request. */
  received(method: string, target: string, rawHeaders: FlatHeaders): RequestRecord {
    const record = new RequestRecord(++this.#requestId, method, target, rawHeaders);
    this.#requests.add(record);
    return record;
  }

  /** Only for the simulator: records bytes of a request's body. */
  receivedBody(record: RequestRecord, chunk: Buffer): void {
    this.#bodyBytes += record.addBody(chunk);
    if (this.#bodyBytes > this.#maxBytes) this.#requests.forgetOlderHalf();
  }

  /** Only for the simulator: records that a call ran. */
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
