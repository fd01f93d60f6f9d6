import { type IncomingMessage, ServerResponse } from 'node:http';
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { endToEndHeaders, fieldLines } from '../../core/messages/http-message.ts';
import type { StreamRequest } from './stream-request.ts';
import type { StreamSocket } from './stream-socket.ts';

/** Bytes that are given to the stream at a time. The progress of a slow client is seen in these steps. */
const pieceBytes = 32_768;
/** Bytes that may wait for the client before `write` returns `false`. */
const highWaterMark = 65_536;
const noBytes = Buffer.alloc(0);
/** Fields that keep their lines. Other repeated fields become a list, because node:http2 refuses some of them. */
const separate: ReadonlySet<string> = new Set(['set-cookie', 'www-authenticate']);
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** The members that differ for streams. node:http has accessors for some, which its types declare as properties. */
type OwnMembers =
  | 'destroy'
  | 'end'
  | 'headersSent'
  | 'writableEnded'
  | 'writableFinished'
  | 'writableLength'
  | 'writableNeedDrain'
  | 'write'
  | 'writeContinue'
  | 'writeHead';
const Response = ServerResponse as unknown as new (
  request: IncomingMessage,
) => Omit<ServerResponse, OwnMembers>;

/** The response of an HTTP/2 stream, in the form of node:http. It implements the part that the program uses. */
export class StreamResponse extends Response {
  readonly #stream: ServerHttp2Stream;
  readonly #socket: StreamSocket;
  readonly #isHead: boolean;
  #head: OutgoingHttpHeaders | undefined;
  #isHeadSent = false;
  #isEnded = false;
  #isFinished = false;
  /** Pieces that wait for the one under way. */
  readonly #waiting: Buffer[] = [];
  #isWriting = false;
  #needsDrain = false;
  #needsHttp1 = false;
  /** Whether the answer ended before the body of the request. */
  wasEarly = false;

  constructor(stream: ServerHttp2Stream, socket: StreamSocket, request: StreamRequest) {
    super(request);
    this.#stream = stream;
    this.#socket = socket;
    this.#isHead = request.method === 'HEAD';
    // A response that has its turn has a socket.
    Object.defineProperty(this, 'socket', { value: socket.asSocket });
    // The single write of `trySingleWrite` is for HTTP/1.1.
    this.shouldKeepAlive = false;
    stream.once('finish', () => this.#finished());
  }

  get headersSent(): boolean {
    return this.#head !== undefined || this.#isHeadSent;
  }

  get writableEnded(): boolean {
    return this.#isEnded;
  }

  get writableFinished(): boolean {
    return this.#isFinished;
  }

  get writableLength(): number {
    return this.#socket.writableLength;
  }

  get writableNeedDrain(): boolean {
    return this.#needsDrain;
  }

  /** Makes the answer tell the client to repeat the request over HTTP/1.1. */
  requireHttp1(): void {
    this.#needsHttp1 = true;
  }

  /** @throws if a field is illegal */
  writeHead(
    status: number,
    reasonOrFields?: string | readonly string[],
    fields?: readonly string[],
  ): this {
    const list = typeof reasonOrFields === 'string' ? fields : reasonOrFields;
    this.statusCode = status;
    this.#head = headOf(status, list ?? []);
    return this;
  }

  /** The same object with the type that node:http has for responses. */
  get asResponse(): ServerResponse {
    return this as unknown as ServerResponse;
  }

  writeContinue(): void {
    if (this.#isGone || this.headersSent) return;
    this.#stream.additionalHeaders({ [constants.HTTP2_HEADER_STATUS]: 100 });
  }

  write(chunk: Buffer): boolean {
    if (this.#isGone || this.#isEnded) return true;
    this.#sendHead(false);
    if (chunk.length > 0 && !this.#isBodiless) this.#add(chunk);
    this.#needsDrain = this.writableLength >= highWaterMark;
    return !this.#needsDrain;
  }

  end(chunk?: unknown): this {
    if (this.#isGone || this.#isEnded) return this;
    this.#isEnded = true;
    const body = Buffer.isBuffer(chunk) && !this.#isBodiless ? chunk : noBytes;
    this.#sendHead(body.length === 0);
    if (this.#stream.closed) return this;
    if (body.length > 0) this.#add(body);
    else if (!this.#isWriting) this.#stream.end();
    return this;
  }

  destroy(): this {
    this.#socket.destroy();
    this.destroyed = true;
    return this;
  }

  /** To be called when the stream is closed. */
  gone(): void {
    this.destroyed = true;
    this.#waiting.length = 0;
    this.emit('close');
  }

  get #isGone(): boolean {
    return this.#socket.destroyed || this.#stream.destroyed || this.#stream.closed;
  }

  get #isBodiless(): boolean {
    return this.#isHead || bodiless.has(this.statusCode);
  }

  #sendHead(isWhole: boolean): void {
    if (this.#isHeadSent) return;
    this.#isHeadSent = true;
    if (this.#needsHttp1) {
      this.#isEnded = true;
      this.#isFinished = true;
      this.#stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED);
      return;
    }
    this.#stream.respond(this.#head ?? headOf(this.statusCode, []), { endStream: isWhole });
  }

  #add(bytes: Buffer): void {
    if (this.#stream.closed) return;
    this.#socket.writableLength += bytes.length;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#waiting.push(bytes.subarray(at, at + pieceBytes));
    }
    if (!this.#isWriting) this.#writeNext();
  }

  #writeNext(): void {
    const piece = this.#waiting.shift();
    this.#isWriting = piece !== undefined;
    if (this.#isGone) return;
    if (piece === undefined) {
      if (this.#isEnded) this.#stream.end();
      return;
    }
    const isLast = this.#isEnded && this.#waiting.length === 0;
    const taken = (error?: Error | null): void => {
      if (error) return;
      this.#socket.progress(piece.length);
      if (!isLast) this.#writeNext();
      if (this.#needsDrain && this.writableLength < highWaterMark) {
        this.#needsDrain = false;
        this.emit('drain');
      } else if (this.writableLength === 0) this.emit('drain');
    };
    if (isLast) this.#stream.end(piece, taken);
    else this.#stream.write(piece, taken);
  }

  #finished(): void {
    if (!this.#isEnded || this.#stream.aborted) return;
    this.#isFinished = true;
    this.emit('finish');
    // The answer came before the end of the body, which the client need not send (RFC 9113 section 8.1).
    this.wasEarly = !this.req.complete;
    if (this.wasEarly) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

/** Returns the head in the form of node:http2, without the fields of connections. */
function headOf(status: number, fields: readonly string[]): OutgoingHttpHeaders {
  const kept = endToEndHeaders(fields);
  if (fieldLines(kept) === undefined) throw new Error('the answer has an illegal field');
  const head = Object.create(null) as Record<string, string | string[] | number>;
  head[constants.HTTP2_HEADER_STATUS] = status;
  for (let i = 0; i < kept.length; i += 2) {
    const name = (kept[i] as string).toLowerCase();
    const value = kept[i + 1] as string;
    const earlier = head[name];
    if (earlier === undefined) head[name] = value;
    else if (separate.has(name)) head[name] = [earlier, value].flat() as string[];
    else head[name] = `${String(earlier)}, ${value}`;
  }
  return head;
}
