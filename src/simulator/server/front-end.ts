/** One server of the pool: a port that answers with the state that all servers share, and can fail. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Counters } from './exchange.ts';

/**
 * The ways in which a server fails:
 *
 * - `down`: its connections are reset, and its port refuses new ones
 * - `frozen`: it accepts connections, and answers nothing until it recovers
 * - `unavailable`: it answers 503 to every request
 */
export type ServerFailure = 'down' | 'frozen' | 'unavailable';

type Serve = (request: IncomingMessage, response: ServerResponse, name: string) => void;

/** A certificate chain and its key, in PEM. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface FrontEndParts {
  /** Name in `X-MS-Server-Fqdn`. */
  readonly name: string;
  readonly host: string;
  /** Without a certificate, the server speaks plain HTTP. */
  readonly tls?: ServerCertificate | undefined;
  /** Time after which the server closes an idle connection. Node adds one second. */
  readonly keepAliveTimeoutMs: number;
  readonly counters: Counters;
  readonly serve: Serve;
}

export class FrontEnd {
  readonly name: string;
  /** Number of requests that arrived while the server did not fail. */
  requests = 0;
  readonly #with: FrontEndParts;
  #server: Server;
  #port = 0;
  #failure: ServerFailure | undefined;
  #waiting: Array<() => void> = [];

  constructor(parts: FrontEndParts) {
    this.name = parts.name;
    this.#with = parts;
    this.#server = this.#create();
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const { host, tls } = this.#with;
    const scheme = tls === undefined ? 'http' : 'https';
    return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  /** Rejects if the server cannot listen on the port. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, this.#with.host, resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Makes the server fail until `recover`. */
  async fail(how: ServerFailure): Promise<void> {
    if (this.#failure !== undefined) await this.recover();
    this.#failure = how;
    if (how === 'down') await this.stop();
  }

  /** Ends the failure. A frozen server then answers the requests that wait. */
  async recover(): Promise<void> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === 'down') {
      this.#server = this.#create();
      await this.listen(this.#port);
    }
    for (const serve of this.#waiting.splice(0)) serve();
  }

  /** Closes the port and all connections. */
  async stop(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  #create(): Server {
    const { counters, tls, keepAliveTimeoutMs } = this.#with;
    const http = {
      // Long polls and slow uploads must not time out.
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: keepAliveTimeoutMs,
    };
    const server = tls === undefined ? createServer(http) : createSecureServer({ ...http, ...tls });
    server.on('connection', (socket: Socket) => {
      counters.connections++;
      counters.openConnections++;
      socket.once('close', () => counters.openConnections--);
    });
    server.on('request', (request, response) => this.#receive(request, response));
    return server;
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    switch (this.#failure) {
      case 'frozen':
        this.#waiting.push(() => this.#receive(request, response));
        return;
      case 'unavailable':
        request.resume();
        response
          .writeHead(503, { 'Content-Type': 'text/html', 'X-MS-Server-Fqdn': this.name })
          .end('<!DOCTYPE html><html><body><h2>Service Unavailable</h2></body></html>');
        return;
      default:
        this.requests++;
        this.#with.serve(request, response, this.name);
    }
  }
}
