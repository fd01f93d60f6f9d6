/**
 * The faults that a script may order, as data. What happens before a call runs leaves no ledger
 * entry; what happens after it does. Each fault says which; where there is a choice, `execute`
 * makes it. A batch whose fault comes before execution runs none of its parts. The byte streams
 * under `/simulator` never run where something else is sent in their place.
 */
import type { FlatHeaders } from '../representation/headers.ts';

/** The answer comes so much later. The call runs, after the delay. */
interface Delay {
  readonly kind: 'delay';
  readonly ms: number;
}

/** No answer ever comes; the places of the calls are taken until the client leaves. Runs, unless `execute` is false. */
interface Hang {
  readonly kind: 'hang';
  readonly execute?: boolean;
}

/**
 * This answer instead. Without a body: UCWA's own error for that status, in the caller's language.
 * Does not run, unless `execute` is true. `early` (a whole answer only): as soon as the request's
 * head is there, its body unread; then it never runs.
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

/** The 200 text/html page of some gateway in between. Does not run, unless `execute` is true. */
interface Html {
  readonly kind: 'html';
  readonly execute?: boolean;
}

/** Bytes that are not HTTP, then the end of the connection. Does not run, unless `execute` is true. */
interface Junk {
  readonly kind: 'junk';
  readonly bytes?: string | Buffer;
  readonly execute?: boolean;
}

/**
 * A TCP reset: before the answer's head, after it, or after so many bytes of its body (never, if
 * the body is shorter). Runs, unless `execute` is false; then the reset comes before any head.
 */
interface Reset {
  readonly kind: 'reset';
  readonly at: 'beforeHead' | 'afterHead' | number;
  readonly execute?: boolean;
}

/**
 * The answer's body ends after so many bytes. Runs. `framing`: 'contentLength' (default) promises
 * the whole length, then closes; 'chunked' closes without the last chunk; 'complete' is whole for
 * HTTP, so that only the multipart framing shows the loss.
 */
interface Truncate {
  readonly kind: 'truncate';
  readonly afterBytes: number;
  readonly framing?: 'contentLength' | 'chunked' | 'complete';
}

/**
 * The answer's body leaves in writes of these sizes; the last size repeats. Between two writes the
 * event loop turns once, or `pauseMs` pass. Runs.
 */
interface Chunks {
  readonly kind: 'chunks';
  readonly sizes: readonly number[];
  readonly pauseMs?: number;
}

/** The answer is compressed although nobody offered it. Runs. */
interface Gzip {
  readonly kind: 'gzip';
}

/**
 * More header fields (Location, ETag, Transfer-Encoding …) in the head of a part's message: for a
 * 'part' rule its own, for a 'batch' rule those of every part. Runs.
 */
interface PartHeaders {
  readonly kind: 'partHeaders';
  readonly headers: FlatHeaders;
}

/** A batch's answer is built wrongly. All its parts ran. */
type Misbuilt =
  /** So many parts at the end are missing. */
  | { readonly kind: 'fewerParts'; readonly count: number }
  /** The last part comes so many times more. */
  | { readonly kind: 'moreParts'; readonly count: number }
  /** The part at `index` is this instead of an HTTP message. */
  | { readonly kind: 'malformedPart'; readonly index: number; readonly message?: string }
  /** The content type names no boundary. */
  | { readonly kind: 'noBoundary' }
  /** The last delimiter is missing, or, with `bare`, is an ordinary one. */
  | { readonly kind: 'noCloseDelimiter'; readonly bare?: boolean }
  /** The parts come in this order of request positions; default: reversed. */
  | { readonly kind: 'permute'; readonly order?: readonly number[] }
  /** Lines of the multipart framing and of the parts' heads end with a bare LF. */
  | { readonly kind: 'bareLf' };

export type Fault =
  Delay | Hang | Status | Html | Junk | Reset | Truncate | Chunks | Gzip | PartHeaders | Misbuilt;

export type FaultKind = Fault['kind'];

/** Which requests: a batch POST, any other HTTP request, or one part inside a batch. */
export type Scene = 'batch' | 'single' | 'part';

/** The fault of that kind among these. */
export function faultOf<K extends FaultKind>(
  faults: readonly Fault[],
  kind: K,
): Extract<Fault, { kind: K }> | undefined {
  return faults.find((fault): fault is Extract<Fault, { kind: K }> => fault.kind === kind);
}

const everywhere: readonly Scene[] = ['batch', 'single', 'part'];
const wholeAnswers: readonly Scene[] = ['batch', 'single'];

/** Where each kind of fault has a meaning. */
export const scenesOf: Readonly<Record<FaultKind, readonly Scene[]>> = {
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

/** Whether a call that meets these faults runs. */
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
