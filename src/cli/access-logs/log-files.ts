/** Reads access logs as streams: several servers and days, plain or gzip, merged by the time of their lines. */
import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { lineReader, type LogFormat, recognizeFormat } from './log-format.ts';
import type { LogRequest } from './log-request.ts';

/** Opens a file as a stream of bytes. */
export type OpenFile = (path: string) => AsyncIterable<Uint8Array>;

/** A longer line is cut, and then cannot be read. */
const maxLineLength = 65_536;
/** The number of lines that show the format of a file and its first time. */
const sniffedLines = 2000;

/** Yields the lines of a file, in groups. */
async function* linesOf(path: string, open: OpenFile): AsyncGenerator<string[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isFirst = true;
  for await (const chunk of await inflated(open(path))) {
    let text = rest + decoder.write(Buffer.from(chunk));
    if (isFirst) text = text.replace(/^\uFEFF/, '');
    isFirst = false;
    const lines = text.split('\n');
    rest = (lines.pop() ?? '').slice(0, maxLineLength);
    yield lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  }
  if (rest !== '') yield [rest];
}

/** Decompresses the stream if it begins as gzip does. */
async function inflated(bytes: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const chunks = bytes[Symbol.asyncIterator]();
  const first = await chunks.next();
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = first; next.done !== true; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }
  const isGzip = first.done !== true && first.value[0] === 0x1f && first.value[1] === 0x8b;
  if (!isGzip) return whole();
  const source = Readable.from(whole());
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  gunzip.on('close', () => source.destroy());
  return source.pipe(gunzip);
}

/** A file of a known format. */
export interface LogFile {
  readonly path: string;
  readonly format: LogFormat;
  /** The time of the first request; `Infinity` for a file without one. */
  readonly firstMs: number;
}

/** The format of a file, or why it cannot be used. */
export type Sniffed =
  | { readonly kind: 'log'; readonly file: LogFile }
  | { readonly kind: 'recording' }
  | { readonly kind: 'problem'; readonly problem: string };

/** Reads the start of a file. @param forced the format, if the operator named it */
export async function sniff(path: string, open: OpenFile, forced?: LogFormat): Promise<Sniffed> {
  const head: string[] = [];
  try {
    for await (const lines of linesOf(path, open)) {
      head.push(...lines);
      if (head.length >= sniffedLines) break;
    }
  } catch (error) {
    return { kind: 'problem', problem: `${path}: cannot be read: ${reasonOf(error)}` };
  }
  if (head.every((line) => line === '')) {
    return {
      kind: 'problem',
      problem: `${path}: expected a recording or an access log, found nothing`,
    };
  }
  const format = forced ?? recognizeFormat(head);
  if (format === 'recording') return { kind: 'recording' };
  if (format === undefined) {
    const expected = 'a recording, or an access log of IIS, nginx, HAProxy or Envoy';
    return {
      kind: 'problem',
      problem: `${path}: expected ${expected} with durations, found other text`,
    };
  }
  const reader = lineReader(format);
  for (const line of head) {
    const request = reader.read(line);
    if (request !== undefined && request !== 'none') {
      return { kind: 'log', file: { path, format, firstMs: request.loggedMs } };
    }
  }
  const problem = reader.problem();
  return problem === undefined
    ? { kind: 'log', file: { path, format, firstMs: Infinity } }
    : { kind: 'problem', problem: `${path}: ${problem}` };
}

/** The numbers of lines that were read. */
export interface LineCounts {
  lines: number;
  unreadable: number;
}

/** Reads one file, one group of requests at a time. */
class Cursor {
  readonly #groups: AsyncGenerator<LogRequest[]>;
  #group: readonly LogRequest[] = [];
  #at = 0;

  constructor(file: LogFile, open: OpenFile, counts: LineCounts) {
    this.#groups = requestsOf(file, open, counts);
  }

  get current(): LogRequest | undefined {
    return this.#group[this.#at];
  }

  /** Goes to the next request. Returns `false` if the next request needs `refill`. */
  next(): boolean {
    this.#at += 1;
    return this.#at < this.#group.length;
  }

  /** Reads on. Resolves to `false` at the end of the file. */
  async refill(): Promise<boolean> {
    const next = await this.#groups.next();
    if (next.done === true) return false;
    this.#group = next.value;
    this.#at = 0;
    return true;
  }
}

async function* requestsOf(
  { path, format }: LogFile,
  open: OpenFile,
  counts: LineCounts,
): AsyncGenerator<LogRequest[]> {
  const reader = lineReader(format);
  try {
    for await (const lines of linesOf(path, open)) {
      const requests: LogRequest[] = [];
      for (const line of lines) {
        const request = reader.read(line);
        if (request === 'none') continue;
        counts.lines += 1;
        if (request === undefined) counts.unreadable += 1;
        else requests.push(request);
      }
      if (requests.length > 0) yield requests;
    }
  } catch (error) {
    throw new Error(`${path}: cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Passes the requests of all files to `take`, ordered by their logged times as far as each file is. */
export async function mergeLogs(
  files: readonly LogFile[],
  open: OpenFile,
  take: (request: LogRequest) => void,
): Promise<LineCounts> {
  const counts = { lines: 0, unreadable: 0 };
  const unopened = [...files].sort((a, b) => a.firstMs - b.firstMs);
  const cursors: Cursor[] = [];
  for (;;) {
    let first: Cursor | undefined;
    let firstMs = Infinity;
    for (const cursor of cursors) {
      const atMs = cursor.current?.loggedMs ?? Infinity;
      if (first === undefined || atMs < firstMs) [first, firstMs] = [cursor, atMs];
    }
    const next = unopened[0];
    if (next !== undefined && (first === undefined || next.firstMs <= firstMs)) {
      unopened.shift();
      const cursor = new Cursor(next, open, counts);
      if (await cursor.refill()) cursors.push(cursor);
      continue;
    }
    if (first?.current === undefined) return counts;
    take(first.current);
    if (!first.next() && !(await first.refill())) cursors.splice(cursors.indexOf(first), 1);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
