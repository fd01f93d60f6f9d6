import { connect, type Socket } from 'node:net';
import { entrust } from './canaries.ts';
import { onCleanup } from './cleanup.ts';

export interface RawAnswer {
  readonly status: number;
  /** Status line and fields, without the last line ends. */
  readonly head: string;
  readonly body: Buffer;
}

/** A TCP connection on which a test writes raw bytes. */
export class RawClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #ended = false;
  readonly #onEnd = (): void => void this.#socket.end();
  /** Resolves when the connection is established. Never resolves if the connection fails. */
  readonly connected: Promise<void>;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;

  /** `address` is the local address that the client connects from. */
  constructor(port: number, address = '127.0.0.1') {
    this.#socket = connect({
      ...{ port, host: '127.0.0.1', localAddress: address },
      // Without this option the socket ends its side when the other side does: see `stayOpen`.
      allowHalfOpen: true,
    });
    this.#socket.on('end', this.#onEnd);
    this.connected = new Promise((resolve) => this.#socket.once('connect', () => resolve()));
    this.#socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.#socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.#ended = true;
        this.#wake();
        resolve();
      });
    });
    onCleanup(() => void this.#socket.destroy());
  }

  send(bytes: string | Buffer): void {
    const text = bytes.toString('latin1');
    entrust(/^cookie: *(.+)\r$/im.exec(text)?.[1]);
    entrust(/\r\n\r\n([^]*)/.exec(text)?.[1]);
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Ends the sending side. The client goes on reading. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Keeps the client's side open after the other side has ended. */
  stayOpen(): void {
    this.#socket.removeListener('end', this.#onEnd);
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** Closes the connection with a TCP reset, so that the other side's next write fails. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Reads everything until the other side closes. */
  async readAll(): Promise<string> {
    await this.closed;
    return this.#received.toString('latin1');
  }

  /** Reads the next answer, framed by its length, by chunks, by its end, or without a body. */
  async readAnswer(): Promise<RawAnswer> {
    const end = await this.#find('\r\n\r\n');
    const head = this.#take(end + 4).toString('latin1', 0, end);
    const status = Number(head.slice(9, 12));
    if (status === 204 || status === 304 || status < 200) {
      return { status, head, body: Buffer.alloc(0) };
    }
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    if (length !== undefined) return { status, head, body: await this.#read(Number(length)) };
    if (!/^transfer-encoding: *chunked/im.test(head)) {
      await this.closed;
      return { status, head, body: this.#take(this.#received.length) };
    }
    const chunks: Buffer[] = [];
    for (;;) {
      const lineEnd = await this.#find('\r\n');
      const size = parseInt(this.#take(lineEnd + 2).toString('latin1', 0, lineEnd), 16);
      chunks.push(await this.#read(size));
      await this.#read(2);
      if (size === 0) return { status, head, body: Buffer.concat(chunks) };
    }
  }

  /** Reads the head of the next answer, with its last line ends. */
  async readHead(): Promise<string> {
    return this.#take((await this.#find('\r\n\r\n')) + 4).toString('latin1');
  }

  /** Reads one chunk of an answer that has no end. The head of the answer counts as a chunk. */
  async readChunk(): Promise<string> {
    if (this.#received.subarray(0, 5).toString() === 'HTTP/') return this.readHead();
    const lineEnd = await this.#find('\r\n');
    if (this.#received.subarray(0, 5).toString() === 'HTTP/') return this.readHead();
    const size = parseInt(this.#take(lineEnd + 2).toString('latin1', 0, lineEnd), 16);
    const chunk = await this.#read(size);
    await this.#read(2);
    return chunk.toString();
  }

  async untilReceived(bytes: number): Promise<void> {
    while (this.#received.length < bytes) await this.#more();
  }

  async #find(text: string): Promise<number> {
    for (;;) {
      const at = this.#received.indexOf(text);
      if (at !== -1) return at;
      await this.#more();
    }
  }

  async #read(length: number): Promise<Buffer> {
    while (this.#received.length < length) await this.#more();
    return this.#take(length);
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  #more(): Promise<void> {
    if (this.#ended) throw new Error(`closed after ${this.#received.toString('latin1')}`);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
