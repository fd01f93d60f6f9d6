/**
 * One HTTP/2 stream in the role of a client's connection. The rest of the program has its rules by connection:
 * disconnects, slow readers, stopped bodies. A stream looks like a connection with one exchange, so all rules hold for
 * streams. Only `HttpServer` knows the connection that carries the stream.
 */
import { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';

/** The part of `net.Socket` that the program uses of a client's connection. */
type SocketRole = Pick<
  Socket,
  | 'bytesRead'
  | 'bytesWritten'
  | 'destroyed'
  | 'errored'
  | 'readable'
  | 'readableHighWaterMark'
  | 'remoteAddress'
  | 'remoteFamily'
  | 'writable'
  | 'writableLength'
>;

/** Bytes of a body that are buffered while no part of the program reads the body. */
const readAheadBytes = 65_536;

export class StreamSocket extends EventEmitter implements SocketRole {
  readonly remoteAddress: string | undefined;
  readonly remoteFamily: string | undefined;
  readonly readableHighWaterMark = readAheadBytes;
  readonly errored = null;
  /** Bytes of the body that have arrived. */
  bytesRead = 0;
  /** Whether more of the body can arrive. */
  isReceiving = false;
  /** Bytes of the answer that the client has taken. */
  takenBytes = 0;
  /** Bytes of the answer that wait for the client. */
  writableLength = 0;
  destroyed = false;
  #countedBytes = 0;
  readonly #stream: ServerHttp2Stream;
  #stallMs = 0;
  #stallTimer: NodeJS.Timeout | undefined;

  /** @param carrier the connection that carries the stream */
  constructor(stream: ServerHttp2Stream, carrier: Socket) {
    super();
    this.#stream = stream;
    this.remoteAddress = carrier.remoteAddress;
    this.remoteFamily = carrier.remoteFamily;
    // Other code recognizes TLS by the presence of this property, as in `tls.TLSSocket`.
    if ('encrypted' in carrier) Object.defineProperty(this, 'encrypted', { value: true });
  }

  /** The same object with the type that node:http has for connections. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  get bytesWritten(): number {
    return this.takenBytes + this.writableLength;
  }

  get readable(): boolean {
    return !this.destroyed;
  }

  get writable(): boolean {
    return !this.destroyed;
  }

  /** Returns the bytes of the body that have arrived since the last call. */
  takeUncounted(): number {
    const more = this.bytesRead - this.#countedBytes;
    this.#countedBytes = this.bytesRead;
    return more;
  }

  pause(): this {
    this.#stream.pause();
    return this;
  }

  resume(): this {
    this.#stream.resume();
    return this;
  }

  /** Emits `timeout` when the client has taken no byte for this time, as a socket does. 0 ends the timer. */
  setTimeout(ms: number): this {
    clearTimeout(this.#stallTimer);
    this.#stallMs = ms;
    this.#stallTimer = ms === 0 ? undefined : setTimeout(() => this.emit('timeout'), ms).unref();
    return this;
  }

  /** To be called when the client has taken bytes of the answer. */
  progress(bytes: number): void {
    this.takenBytes += bytes;
    this.writableLength -= bytes;
    if (this.#stallMs > 0) this.#stallTimer?.refresh();
  }

  /** Resets the stream, so that the client sees that the answer is truncated. The connection stays open. */
  destroy(): this {
    if (this.destroyed) return this;
    // `close` would first send the end of the stream, and the answer would look complete.
    this.#stream.destroy(new Error('the answer is truncated'));
    this.gone();
    return this;
  }

  destroySoon(): void {
    this.destroy();
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  /** To be called when the stream is closed. */
  gone(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.setTimeout(0);
    process.nextTick(() => this.emit('close'));
  }
}
