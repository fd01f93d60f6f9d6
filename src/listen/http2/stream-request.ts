import { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { StreamHead } from './stream-head.ts';
import type { StreamSocket } from './stream-socket.ts';

/** The version of requests over HTTP/2. No parser of HTTP/1.1 delivers this text. */
const http2Version = '2';

/** The request of an HTTP/2 stream, in the form of node:http. */
export class StreamRequest extends IncomingMessage {
  constructor(stream: ServerHttp2Stream, socket: StreamSocket, head: StreamHead) {
    super(socket.asSocket);
    this.method = head.method;
    this.url = head.target;
    this.httpVersion = http2Version;
    this.httpVersionMajor = 2;
    this.httpVersionMinor = 0;
    this.rawHeaders = head.fields;
    this.headers = { ...head.framing };
    if (stream.endAfterHeaders) {
      this.#end();
      return;
    }
    socket.isReceiving = true;
    stream.on('data', (chunk: Buffer) => {
      socket.bytesRead += chunk.length;
      if (!this.push(chunk)) stream.pause();
    });
    stream.on('end', () => {
      // A stream that was reset ends too.
      if (stream.aborted || socket.destroyed) return;
      socket.isReceiving = false;
      this.#end();
    });
  }

  /** To be called when the stream is closed. */
  gone(): void {
    if (!this.complete) this.destroy(new Error('the client has reset the stream'));
  }

  #end(): void {
    this.complete = true;
    this.push(null);
  }
}
