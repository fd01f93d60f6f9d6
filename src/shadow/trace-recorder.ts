/**
 * Writes a recording (trace) of the batchable calls. No call waits for the disk: if the disk is too
 * slow, lines are dropped and counted. The key of the hashes is new for each process, so a user of an earlier process
 * is another user of the recording.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { routeTemplate } from '../core/ucwa/route-template.ts';
import type { Arrival } from '../core/schedule/state.ts';
import { sharedHeadersOf } from '../core/schedule/order/deduplication.ts';
import { traceHeader, traceLine } from '../core/shadow/trace.ts';
import type { ObservedCall, CallObserver } from './call-observers.ts';
import { openRecording } from './recording-file.ts';

export interface TraceObserver {
  written(): void;
  dropped(): void;
  /** Called once, when the recording ends early. */
  ended(why: 'it is full' | 'it cannot be written'): void;
}

interface TraceOptions {
  readonly file: string;
  readonly maxBytes: number;
}

const keyBytes = 32;
const hashDigits = 12;
const flushBytes = 16_384;
/** Maximum size of lines that are not on the disk yet. */
const maxPendingBytes = 1_048_576;
const stopWithinMs = 1000;

export class TraceRecorder implements CallObserver {
  readonly #observer: TraceObserver;
  readonly #stream: WriteStream;
  readonly #key = randomBytes(keyBytes);
  readonly #startedAtMs: number;
  /** Time of the first call in this turn of the event loop; all calls of one turn get this time. */
  #turnAtMs: number | undefined;
  #remainingBytes: number;
  #pending = '';
  #isOver = false;

  /** Continues an existing recording, see `openRecording`. @throws if the file cannot be opened */
  constructor({ file, maxBytes }: TraceOptions, observer: TraceObserver, nowMs: number) {
    const { fd, bytes, atMs } = openRecording(file, Date.now());
    this.#stream = createWriteStream(file, { fd });
    this.#stream.on('error', () => this.#end('it cannot be written'));
    this.#observer = observer;
    this.#startedAtMs = nowMs - atMs;
    this.#remainingBytes = maxBytes - bytes;
    if (bytes === 0) this.#write(`${traceHeader}\n`);
  }

  arrives(arrival: Arrival<unknown>, nowMs: number): ObservedCall {
    const { key, callClass, method, resource, target, headers, collapsible, sizeBytes } = arrival;
    const { authority, applicationPath, cookie, origin, msOrigin, minVersion, forwarded } = key;
    const otherParts = [
      authority,
      applicationPath,
      cookie,
      origin,
      msOrigin,
      minVersion,
      forwarded,
    ];
    if (this.#turnAtMs === undefined) {
      this.#turnAtMs = nowMs;
      setImmediate(() => (this.#turnAtMs = undefined));
    }
    const facts = {
      atMs: this.#turnAtMs - this.#startedAtMs,
      user: this.#hash(key.user),
      key: this.#hash(JSON.stringify(otherParts)),
      callClass,
      method,
      route: routeTemplate(resource.slice(applicationPath.length)),
      resource: this.#hash(resource),
      same: collapsible ? this.#hash(`${target}\n${sharedHeadersOf(headers)}`) : '',
      sizeBytes,
    };
    let answered = { tookMs: 0, status: 0 };
    const over = (): void => this.#record(traceLine({ ...facts, ...answered }));
    return {
      ended: (outcome) => {
        answered = { tookMs: outcome.tookMs, status: 'status' in outcome ? outcome.status : 0 };
      },
      over,
      left: (atMs) => {
        answered = { tookMs: atMs - nowMs, status: 0 };
        over();
      },
    };
  }

  barrier(): void {
    // The recording has only batchable calls.
  }

  passedThrough(): void {
    // The recording has only batchable calls.
  }

  drain(): void {
    this.flush();
  }

  /** Writes pending lines to the file. Call it every second, so that a crash loses little. */
  flush(): void {
    if (this.#pending === '' || this.#isOver) return;
    this.#stream.write(this.#pending);
    this.#pending = '';
  }

  /** Closes the file. Resolves when all lines are written, or after one second. */
  async stop(): Promise<void> {
    this.flush();
    this.#isOver = true;
    await new Promise<void>((resolve) => {
      const timeout = setTimeout(resolve, stopWithinMs);
      const over = (): void => {
        clearTimeout(timeout);
        resolve();
      };
      this.#stream.once('close', over);
      this.#stream.end();
      if (this.#stream.closed) over();
    });
  }

  #record(line: string): void {
    const isLate = this.#pending.length + this.#stream.writableLength > maxPendingBytes;
    if (!this.#isOver && line.length + 1 > this.#remainingBytes) this.#end('it is full');
    if (this.#isOver || isLate) {
      this.#observer.dropped();
      return;
    }
    this.#write(`${line}\n`);
    this.#observer.written();
  }

  #write(text: string): void {
    this.#remainingBytes -= Buffer.byteLength(text);
    this.#pending += text;
    if (this.#pending.length >= flushBytes) this.flush();
  }

  #end(why: Parameters<TraceObserver['ended']>[0]): void {
    if (this.#isOver) return;
    this.flush();
    this.#isOver = true;
    this.#pending = '';
    this.#observer.ended(why);
  }

  #hash(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('hex').slice(0, hashDigits);
  }
}
