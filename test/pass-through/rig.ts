/** A test rig on real sockets: a pool, a server with only the pass-through, and clients. */
import http, { type Server, type ServerResponse } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Fault } from '../../src/core/messages/fault.ts';
import { endToEndHeaders } from '../../src/core/messages/http-message.ts';
import type {
  PassThroughObserver,
  PassThroughOutcome,
} from '../../src/pass-through/pass-through-call.ts';
import {
  createPassThrough,
  type PassThrough,
  type PassThroughOptions,
} from '../../src/pass-through/pass-through.ts';

const notPassedOn: ReadonlySet<string> = new Set(['host', 'expect']);

/** The events of one call, in order. */
interface Told {
  readonly url: string;
  readonly responded: number[];
  readonly faults: Fault[];
  readonly outcomes: PassThroughOutcome[];
}

export interface Front {
  readonly port: number;
  readonly passThrough: PassThrough;
  readonly server: Server;
  readonly told: Told[];
  /** Waits until this number of calls is over, and returns their outcomes. */
  outcomes(count: number): Promise<PassThroughOutcome[]>;
}

export class Rig {
  readonly #closers: Array<() => void | Promise<void>> = [];

  /** A TCP server. `sockets`: all its connections so far. */
  async rawPool(
    onConnection: (socket: Socket) => void,
  ): Promise<{ port: number; sockets: Socket[] }> {
    const sockets: Socket[] = [];
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    return { port: await this.#listen(server, () => sockets.forEach((s) => s.destroy())), sockets };
  }

  /** A pool that answers each complete request, head and body, with the same bytes. */
  async cannedPool(
    answer: string,
  ): Promise<{ port: number; requests: string[]; sockets: Socket[] }> {
    const requests: string[] = [];
    const pool = await this.rawPool((socket) => {
      let pending = '';
      socket.setEncoding('latin1');
      socket.on('data', (chunk: string) => {
        pending += chunk;
        for (let end = requestEnd(pending); end !== -1; end = requestEnd(pending)) {
          requests.push(pending.slice(0, end));
          pending = pending.slice(end);
          socket.write(answer, 'latin1');
        }
      });
    });
    return { ...pool, requests };
  }

  async httpPool(listener: http.RequestListener): Promise<number> {
    const server = http.createServer({ keepAliveTimeout: 60_000 }, listener);
    return this.#listen(server, () => server.closeAllConnections());
  }

  async front(
    upstream: number | URL,
    options: Partial<PassThroughOptions> = {},
    observe: (observer: PassThroughObserver) => PassThroughObserver = (observer) => observer,
  ): Promise<Front> {
    const url = typeof upstream === 'number' ? new URL(`http://127.0.0.1:${upstream}`) : upstream;
    const passThrough = createPassThrough({
      upstream: url,
      maxConnections: 128,
      connectTimeoutMs: 2000,
      idleSocketTimeoutMs: 15_000,
      idleTimeoutMs: 60_000,
      bound: { maxConnections: 100, idleSocketTimeoutMs: 15_000, maxAgeMs: 60_000 },
      observer: { unsolicited: () => undefined, internalError: () => undefined },
      // Without the rest, tests of connection reuse need not wait. Other tests check the rest.
      restMs: 0,
      // Bodies are not buffered. slow-bodies.test.ts tests the buffer.
      readFirstBytes: 0,
      maxBodyBytes: 1_000_000,
      ...options,
    });
    const told: Told[] = [];
    const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      const entry: Told = { url: request.url ?? '', responded: [], faults: [], outcomes: [] };
      told.push(entry);
      const poll = request.url?.startsWith('/events') === true;
      const isBound = request.headers['x-bound'] !== undefined;
      const headers = ['Host', url.host, ...endToEndHeaders(request.rawHeaders, notPassedOn)];
      const observer = observe(recorder(entry, response));
      passThrough.forward(
        {
          request,
          response,
          target: entry.url,
          headers,
          poll,
          isBound,
          // Without the field, each call has a different owner.
          owner: String(request.headers['x-owner'] ?? `call ${told.length}`),
          user: String(request.headers['x-user'] ?? ''),
        },
        observer,
      );
    });
    const port = await this.#listen(server, async () => {
      await passThrough.stop();
      server.closeAllConnections();
    });
    const outcomes = async (count: number): Promise<PassThroughOutcome[]> => {
      const all = (): PassThroughOutcome[] => told.flatMap((entry) => entry.outcomes);
      await until(() => all().length >= count);
      return all();
    };
    return { port, passThrough, server, told, outcomes };
  }

  onClose(closer: () => void | Promise<void>): void {
    this.#closers.push(closer);
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.reverse()) await closer();
  }

  async #listen(server: net.Server, before: () => void | Promise<void>): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.onClose(async () => {
      await before();
      await new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  }
}

function recorder(entry: Told, response: ServerResponse): PassThroughObserver {
  return {
    responded(status, headers) {
      entry.responded.push(status);
      return headers;
    },
    fail(fault) {
      entry.faults.push(fault);
      const body = JSON.stringify(fault);
      const head = ['Content-Type', 'application/problem+json', 'Content-Length', `${body.length}`];
      response.writeHead(fault.phase === 'unsent' ? 503 : 504, head).end(body);
    },
    refuseBody: (phase) => {
      response.shouldKeepAlive = false;
      response.writeHead(408, ['Content-Length', '7']).end(phase);
    },
    ended: (outcome) => entry.outcomes.push(outcome),
  };
}

/** Returns the index behind the first request of the text, or -1 if that request is incomplete. */
function requestEnd(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return -1;
  const head = text.slice(0, headEnd);
  if (/\r\nTransfer-Encoding: chunked/i.test(head)) {
    const last = text.indexOf('\r\n0\r\n\r\n', headEnd);
    return last === -1 ? -1 : last + 7;
  }
  const length = Number(/\r\nContent-Length: (\d+)/i.exec(head)?.[1] ?? 0);
  return text.length >= headEnd + 4 + length ? headEnd + 4 + length : -1;
}

/** A client that sends raw bytes and keeps the received ones. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  closed = false;

  constructor(port: number) {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => (this.received += chunk));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.closed = true));
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  leave(): void {
    this.socket.destroy();
  }

  /** Waits until the received bytes contain the text, and returns all of them. */
  async has(text: string): Promise<string> {
    await until(() => this.received.includes(text));
    return this.received;
  }

  /** Waits until the connection closes, and returns all received bytes. */
  async all(): Promise<string> {
    await until(() => this.closed);
    return this.received;
  }
}

/** Sends one request on a new connection, and returns all bytes that arrive until the connection closes. */
export function ask(port: number, request: string): Promise<string> {
  return new RawClient(port).send(request).all();
}

const patienceMs = 15_000;

/** Resolves when the condition holds. Rejects after `patienceMs`. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`never true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
