import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import { onCleanup } from './cleanup.ts';

export interface StreamAnswer {
  /** `undefined` if the stream was reset before an answer. */
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Buffer;
  /** Code of the RST_STREAM; 0 for an ordinary end. */
  readonly code: number;
}

export interface StreamCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  /** Resets the stream with code CANCEL. */
  readonly signal?: AbortSignal;
}

/** A client of HTTP/2: all its calls use one connection. */
export class Http2Client {
  readonly session: ClientHttp2Session;
  /** Code of the GOAWAY of the server. */
  readonly goneAway: Promise<number>;
  readonly closed: Promise<void>;
  readonly #token: string;

  constructor(url: string, token = 'cwt=sim-stream', options: SecureClientSessionOptions = {}) {
    this.#token = token;
    this.session = connect(url, { maxSessionMemory: 100, ...options });
    this.session.on('error', () => undefined);
    this.goneAway = new Promise((resolve) => this.session.once('goaway', resolve));
    this.closed = new Promise((resolve) => this.session.once('close', resolve));
    onCleanup(() => this.session.destroy());
  }

  ask(
    path: string,
    { method = 'GET', headers, body, signal }: StreamCall = {},
  ): Promise<StreamAnswer> {
    const stream = this.session.request(
      { ':method': method, ':path': path, authorization: `Bearer ${this.#token}`, ...headers },
      { endStream: body === undefined, ...(signal && { signal }) },
    );
    if (body !== undefined) stream.end(body);
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let head: IncomingHttpHeaders & { ':status'?: number | undefined } = {};
      stream.on('response', (received) => (head = received));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', () => undefined);
      stream.on('close', () => {
        const whole = Buffer.concat(chunks);
        resolve({
          status: head[':status'],
          headers: head,
          text: whole.toString(),
          body: whole,
          code: stream.rstCode,
        });
      });
    });
  }

  askAll(paths: readonly string[]): Promise<StreamAnswer[]> {
    return Promise.all(paths.map((path) => this.ask(path)));
  }
}
