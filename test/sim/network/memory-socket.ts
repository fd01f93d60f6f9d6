/** One end of a connection in memory. It has the methods and the events of `net.Socket` that HTTP servers and clients use. */
import { Duplex } from 'node:stream';
import type { Line } from './line.ts';

interface SocketParts {
  readonly allowHalfOpen: boolean;
  readonly highWaterMark?: number;
}

let opened = 0;

type Done = (error?: Error | null) => void;

export class MemorySocket extends Duplex {
  /** The place of this socket among all sockets of the process. */
  readonly order = (opened += 1);
  connecting = true;
  remoteAddress: string | undefined;
  remotePort: number | undefined;
  localAddress: string | undefined;
  localPort: number | undefined;
  bytesRead = 0;
  bytesWritten = 0;
  timeout = 0;
  readonly remoteFamily = 'IPv4';
  /** The direction away from this socket. */
  #line: Line | undefined;
  /** Called once, when this socket has closed. */
  #closed: (isReset: boolean) => void = () => undefined;
  #wantsBytes = false;
  #hasEnded = false;
  readonly #received: Buffer[] = [];
  #untilOpen: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;
  #resets = false;

  constructor({ allowHalfOpen, highWaterMark }: SocketParts) {
    super({
      allowHalfOpen,
      emitClose: true,
      autoDestroy: true,
      ...(highWaterMark !== undefined && { highWaterMark }),
    });
  }

  /** The connection is established. */
  open(line: Line, closed: (isReset: boolean) => void): void {
    this.#line = line;
    this.#closed = closed;
    this.connecting = false;
    this.emit('connect');
    this.emit('ready');
    this.#untilOpen?.();
    this.#untilOpen = undefined;
  }

  /** Receives bytes, the end (`null`), or a reset (`undefined`). */
  receive(piece: Buffer | null | undefined): void {
    if (this.destroyed) {
      // As TCP: bytes for a closed socket are answered with a reset.
      if (piece !== null && piece !== undefined) this.#line?.reset();
      return;
    }
    this.#touch();
    if (piece === undefined) this.destroy(reset());
    else if (piece === null) {
      this.#hasEnded = true;
      this.#give();
    } else {
      this.bytesRead += piece.length;
      this.#received.push(piece);
      this.#give();
    }
  }

  get pending(): boolean {
    return this.#line === undefined;
  }

  get readyState(): string {
    if (this.connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    return this.readable ? 'readOnly' : this.writable ? 'writeOnly' : 'closed';
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  address(): object {
    return { address: this.localAddress, port: this.localPort, family: 'IPv4' };
  }

  setTimeout(ms: number, listener?: () => void): this {
    this.timeout = ms;
    if (listener !== undefined) {
      if (ms === 0) this.removeListener('timeout', listener);
      else this.once('timeout', listener);
    }
    this.#touch();
    return this;
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  resetAndDestroy(): this {
    this.#resets = true;
    this.destroy();
    return this;
  }

  override _read(): void {
    this.#wantsBytes = true;
    this.#give();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, done: Done): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    this.#whenOpen(() => {
      this.#line?.end();
      done();
    });
  }

  override _destroy(error: Error | null, done: Done): void {
    clearTimeout(this.#idle);
    this.connecting = false;
    const hasUnread = this.#received.length > 0;
    this.#closed(this.#resets || hasUnread);
    done(error);
  }

  #send(bytes: Buffer, done: Done): void {
    this.#touch();
    this.#whenOpen(() => {
      this.bytesWritten += bytes.length;
      // The caller may use the memory again.
      this.#line?.send(Buffer.from(bytes), () => done());
    });
  }

  #whenOpen(act: () => void): void {
    if (this.#line === undefined) this.#untilOpen = act;
    else act();
  }

  #give(): void {
    while (this.#wantsBytes && this.#received.length > 0) {
      this.#wantsBytes = this.push(this.#received.shift());
    }
    if (this.#hasEnded && this.#received.length === 0) {
      this.#hasEnded = false;
      this.push(null);
      // As in `net.Socket`: a socket that nobody reads learns of the end too.
      if (this.readableLength === 0) this.read(0);
    }
  }

  #touch(): void {
    clearTimeout(this.#idle);
    if (this.timeout > 0 && !this.destroyed) {
      this.#idle = setTimeout(() => this.emit('timeout'), this.timeout);
    }
  }
}

function reset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
}
