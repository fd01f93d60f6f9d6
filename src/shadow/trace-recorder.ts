/**
 * Writes a trace of the calls that come. No call waits for it: what the disk does not take in time is
 * dropped, and counted. Hashes are made under a key that lives as long as the process.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, openSync, renameSync, type WriteStream } from 'node:fs';
import { routeTemplate } from '../core/ucwa/route-template.ts';
import type { Arrival } from '../core/schedule/state.ts';
import { sharedHeadersOf } from '../core/schedule/order/deduplication.ts';
import { traceHeader, traceLine } from '../core/shadow/trace.ts';
import type { FollowedCall, Follower } from './call-observers.ts';

export interface TraceObserver {
  written(): void;
  dropped(): void;
  /** Nothing is written any more; once. */
  ended(why: 'it is full' | 'it cannot be written'): void;
}

interface TraceOptions {
  readonly file: string;
  readonly maxBytes: number;
}

const keyBytes = 32;
const hashDigits = 12;
const flushBytes = 16_384;
/** Of lines that the disk has not taken. */
const maxPendingBytes = 1_048_576;
const stopWithinMs = 1000;

export class TraceRecorder implements Follower {
  readonly #observer: TraceObserver;
  readonly #stream: WriteStream;
  readonly #key = randomBytes(keyBytes);
  readonly #startedAtMs: number;
  /** When the first call of this turn of the event loop came: those of one turn are judged together. */
  #turnAtMs: number | undefined;
  #leftBytes: number;
  #pending = '';
  #isOver = false;

  /** An older trace of that name is kept once, as `FILE.previous`. @throws when it cannot be opened */
  constructor({ file, maxBytes }: TraceOptions, observer: TraceObserver, nowMs: number) {
    if (existsSync(file)) renameSync(file, `${file}.previous`);
    this.#stream = createWriteStream(file, { fd: openSync(file, 'w', 0o600) });
    this.#stream.on('error', () => this.#end('it cannot be written'));
    this.#observer = observer;
    this.#startedAtMs = nowMs;
    this.#leftBytes = maxBytes;
    this.#write(`${traceHeader}\n`);
  }

  arrives(arrival: Arrival<unknown>, nowMs: number): FollowedCall {
    const { key, callClass, method, resource, target, headers, collapsible, sizeBytes } = arrival;
    const { applicationPath, cookie, origin, msOrigin, minVersion, forwardedFor } = key;
    const besides = [applicationPath, cookie, origin, msOrigin, minVersion, forwardedFor];
    if (this.#turnAtMs === undefined) {
      this.#turnAtMs = nowMs;
      setImmediate(() => (this.#turnAtMs = undefined));
    }
    const facts = {
      atMs: this.#turnAtMs - this.#startedAtMs,
      user: this.#hash(key.user),
      key: this.#hash(JSON.stringify(besides)),
      callClass,
      method,
      route: routeTemplate(resource.slice(applicationPath.length)),
      resource: this.#hash(resource),
      same: collapsible ? this.#hash(`${target}\n${sharedHeadersOf(headers)}`) : '',
      sizeBytes,
    };
    let answered = { tookMs: 0, status: 0 };
    const over = (): void => this.#note(traceLine({ ...facts, ...answered }));
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
    // Only calls that may be batched are noted.
  }

  passedThrough(): void {
    // As above.
  }

  drain(): void {
    this.flush();
  }

  /** To be called every second, so that little is lost. */
  flush(): void {
    if (this.#pending === '' || this.#isOver) return;
    this.#stream.write(this.#pending);
    this.#pending = '';
  }

  /** Resolves when all is written, or when the disk takes too long for that. */
  async stop(): Promise<void> {
    this.flush();
    this.#isOver = true;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, stopWithinMs);
      const over = (): void => {
        clearTimeout(late);
        resolve();
      };
      this.#stream.once('close', over);
      this.#stream.end();
      if (this.#stream.closed) over();
    });
  }

  #note(line: string): void {
    const isLate = this.#pending.length + this.#stream.writableLength > maxPendingBytes;
    if (!this.#isOver && line.length + 1 > this.#leftBytes) this.#end('it is full');
    if (this.#isOver || isLate) {
      this.#observer.dropped();
      return;
    }
    this.#write(`${line}\n`);
    this.#observer.written();
  }

  #write(text: string): void {
    this.#leftBytes -= Buffer.byteLength(text);
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
