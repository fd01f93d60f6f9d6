/**
 * The faults that a script can contain, as data.
 *
 * The comment of each fault says whether the call runs. A call that runs has a ledger entry. Some
 * faults have a choice, made by `execute`. If a batch does not run, none of its parts runs. The byte
 * streams under `/simulator` do not run if a fault replaces their answer.
 */
import type { FlatHeaders } from '../representation/headers.ts';

/** Delays the call by `ms`. The call runs after the delay. */
interface Delay {
  readonly kind: 'delay';
  readonly ms: number;
}

/**
 * Sends no answer. The calls stay outstanding until the client disconnects. The call runs, unless
 * `execute` is false.
 */
interface Hang {
  readonly kind: 'hang';
  readonly execute?: boolean;
}

/**
 * Sends this answer. Without `body`, the answer has UCWA's own error for this status, as JSON or XML.
 * The call does not run, unless `execute` is true.
 *
 * `early` sends the answer after the head of the request, without reading its body. The call then never
 * runs. `early` has no effect on a single part.
 */
interface Status {
  readonly kind: 'status';
  readonly status: number;
  readonly headers?: FlatHeaders;
  readonly body?: string | Buffer;
  readonly contentType?: string;
  readonly execute?: boolean;
  readonly early?: boolean;
}

/** Sends an HTML page with status 200, as a gateway might. The call does not run, unless `execute` is true. */
interface Html {
  readonly kind: 'html';
  readonly execute?: boolean;
}

/** Sends bytes that are not HTTP, and closes the connection. The call does not run, unless `execute` is true. */
interface Junk {
  readonly kind: 'junk';
  readonly bytes?: string | Buffer;
  readonly execute?: boolean;
}

/**
 * Resets the TCP connection before the head of the answer, after it, or after `at` bytes of the body.
 * A shorter body is sent without a reset. The call runs, unless `execute` is false; the reset then comes
 * before the head.
 */
interface Reset {
  readonly kind: 'reset';
  readonly at: 'beforeHead' | 'afterHead' | number;
  readonly execute?: boolean;
}

/**
 * Ends the body of the answer after `afterBytes` bytes. The call runs. Values of `framing`:
 *
 * - `contentLength` (default): the answer declares the full length, and then the connection closes
 * - `chunked`: the connection closes without the last chunk
 * - `complete`: the answer is valid HTTP, so that only the multipart framing shows the loss
 */
interface Truncate {
  readonly kind: 'truncate';
  readonly afterBytes: number;
  readonly framing?: 'contentLength' | 'chunked' | 'complete';
}

/**
 * Writes the body of the answer in pieces of these sizes; the last size repeats. Between two writes one
 * turn of the event loop, or `pauseMs`, passes. The call runs.
 */
interface Chunks {
  readonly kind: 'chunks';
  readonly sizes: readonly number[];
  readonly pauseMs?: number;
}

/** Compresses the answer even if the client does not accept gzip. The call runs. */
interface Gzip {
  readonly kind: 'gzip';
}

/**
 * Adds header fields (Location, ETag, Transfer-Encoding …) to the message in a part. A rule for a part
 * adds them to this part, a rule for a batch adds them to every part. The call runs.
 */
interface PartHeaders {
  readonly kind: 'partHeaders';
  readonly headers: FlatHeaders;
}

/** Writes a batch answer with a mistake in its multipart form. All parts of the batch run. */
type Misbuilt =
  /** The last `count` parts are missing. */
  | { readonly kind: 'fewerParts'; readonly count: number }
  /** The last part is repeated `count` times. */
  | { readonly kind: 'moreParts'; readonly count: number }
  /** The part at `index` has `message` instead of an HTTP message. */
  | { readonly kind: 'malformedPart'; readonly index: number; readonly message?: string }
  /** The content type has no boundary. */
  | { readonly kind: 'noBoundary' }
  /** The close delimiter is missing. With `bare`, an ordinary delimiter is in its place. */
  | { readonly kind: 'noCloseDelimiter'; readonly bare?: boolean }
  /** The parts are in this order of request positions; default: reversed. */
  | { readonly kind: 'permute'; readonly order?: readonly number[] }
  /** Lines of the multipart framing and of the parts' heads end with a bare LF. */
  | { readonly kind: 'bareLf' };

export type Fault =
  Delay | Hang | Status | Html | Junk | Reset | Truncate | Chunks | Gzip | PartHeaders | Misbuilt;

export type FaultKind = Fault['kind'];

/** Kind of request: a batch POST, any other HTTP request, or one part of a batch. */
export type RequestKind = 'batch' | 'single' | 'part';

/** Returns the fault of this kind, or undefined. */
export function faultOf<K extends FaultKind>(
  faults: readonly Fault[],
  kind: K,
): Extract<Fault, { kind: K }> | undefined {
  return faults.find((fault): fault is Extract<Fault, { kind: K }> => fault.kind === kind);
}

const everywhere: readonly RequestKind[] = ['batch', 'single', 'part'];
const wholeAnswers: readonly RequestKind[] = ['batch', 'single'];

/** Kinds of requests that each kind of fault can affect. */
export const requestKindsOf: Readonly<Record<FaultKind, readonly RequestKind[]>> = {
  delay: everywhere,
  hang: everywhere,
  status: everywhere,
  html: everywhere,
  junk: wholeAnswers,
  reset: wholeAnswers,
  truncate: wholeAnswers,
  chunks: wholeAnswers,
  gzip: wholeAnswers,
  partHeaders: ['batch', 'part'],
  fewerParts: ['batch'],
  moreParts: ['batch'],
  malformedPart: ['batch'],
  noBoundary: ['batch'],
  noCloseDelimiter: ['batch'],
  permute: ['batch'],
  bareLf: ['batch'],
};

/** Whether a call with these faults runs. */
export function executes(faults: readonly Fault[]): boolean {
  return faults.every((fault) => {
    switch (fault.kind) {
      case 'hang':
      case 'reset':
        return fault.execute ?? true;
      case 'status':
        return fault.execute === true && fault.early !== true;
      case 'html':
      case 'junk':
        return fault.execute ?? false;
      default:
        return true;
    }
  });
}

/** Whether a fault cuts the body of an answer at certain bytes. */
export function cutsBody(faults: readonly Fault[]): boolean {
  return faults.some(
    (fault) =>
      fault.kind === 'truncate' ||
      fault.kind === 'chunks' ||
      (fault.kind === 'reset' && typeof fault.at === 'number'),
  );
}
