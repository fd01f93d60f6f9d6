import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { urlToHttpOptions } from 'node:url';

declare module 'http' {
  interface Agent {
    /**
     * Takes each new request, from inside http.request(). Not documented, but what every agent
     * library builds on.
     */
    addRequest(request: ClientRequest, options: object): void;
  }
}

/** Files of a TLS upstream; verification is always on. */
export interface UpstreamTls {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
}

interface PoolConnectionsOptions {
  readonly upstream: URL;
  readonly maxConnections: number;
  /** From the start of name resolution to the end of the TLS handshake. */
  readonly connectTimeoutMs: number;
  readonly idleSocketTimeoutMs: number;
  /** What is in force now; the same object until something else is. */
  readonly tls?: () => UpstreamTls;
}

const noTls: UpstreamTls = {};

/** What must stand in the options of a request that goes through {@link PoolConnections.agent}. */
export interface WithCreationHook {
  /** Told of the request before anything can happen to it. */
  readonly onCreated: (request: ClientRequest) => void;
}

/** There is one pool behind an agent, so no name need be put together for each request. */
const poolName = 'pool';

/** TCP probes of connections without traffic: polls are silent for minutes, and there are many. */
const tcpProbeAfterMs = 30_000;

/**
 * Connections to the pool, kept alive and shared by all clients. So authentication that is bound to
 * a connection (NTLM, Negotiate) is not supported.
 */
export class PoolConnections {
  readonly agent: http.Agent;
  readonly #open = new Set<Socket>();
  readonly #ready = new WeakSet<Socket>();

  constructor(options: PoolConnectionsOptions) {
    const { upstream, connectTimeoutMs, tls = () => noTls } = options;
    let files = tls();
    let renewed: { secureContext: SecureContext; session: undefined } | undefined;
    const secure = upstream.protocol === 'https:';
    const { hostname, port } = urlToHttpOptions(upstream);
    const endpoint = { host: hostname, port: port ?? (secure ? 443 : 80) };
    const pooling = {
      keepAlive: true,
      keepAliveMsecs: tcpProbeAfterMs,
      maxSockets: options.maxConnections,
      maxFreeSockets: options.maxConnections,
      timeout: options.idleSocketTimeoutMs,
    };
    const agent = secure
      ? new https.Agent({
          ...pooling,
          ...(files.servername !== undefined && { servername: files.servername }),
          // Made once: otherwise each connection would read the files' text again.
          secureContext: contextOf(files),
          rejectUnauthorized: true,
        })
      : new http.Agent(pooling);

    // Hooks on the instance serve http.Agent and https.Agent alike.
    const connect = agent.createConnection.bind(agent);
    agent.createConnection = (connectOptions, callback) => {
      const current = tls();
      if (secure && current !== files) {
        files = current;
        // A session of before would be resumed without a look at the new authorities.
        renewed = { secureContext: contextOf(files), session: undefined };
      }
      const socket = connect({ ...connectOptions, ...renewed }, callback);
      this.#watch(socket as Socket, secure ? 'secureConnect' : 'connect', connectTimeoutMs);
      return socket;
    };
    const addRequest = agent.addRequest.bind(agent);
    agent.addRequest = (request, requestOptions) => {
      (requestOptions as WithCreationHook).onCreated(request);
      // Not the options of the request: a socket keeps those it was made with, credentials and all.
      addRequest(request, endpoint);
    };
    agent.getName = () => poolName;
    this.agent = agent;
  }

  get count(): number {
    return this.#open.size;
  }

  /**
   * Whether bytes of the request can have reached the pool: it was given a connection, and that was
   * made. (`bytesWritten` proves nothing: it counts what still waits.)
   */
  mayHaveSent(request: ClientRequest | undefined): boolean {
    const socket = request?.socket;
    return socket !== undefined && socket !== null && this.#ready.has(socket);
  }

  /**
   * Destroys a request. One that still waits for a socket leaves the queue, where Node would let it
   * sit until its turn.
   */
  drop(request: ClientRequest): void {
    const queue = this.agent.requests[poolName];
    const place = request.socket === null && queue ? queue.indexOf(request) : -1;
    if (queue && place !== -1) {
      queue.splice(place, 1);
      // An empty queue that stays makes Node throw when the last socket closes.
      if (queue.length === 0) Reflect.deleteProperty(this.agent.requests, poolName);
    }
    request.destroy();
  }

  /** Destroys all connections; resolves when they are closed. */
  async close(): Promise<void> {
    const closed = Array.from(
      this.#open,
      (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
    );
    this.agent.destroy();
    await Promise.all(closed);
  }

  #watch(socket: Socket, readyEvent: 'connect' | 'secureConnect', connectTimeoutMs: number): void {
    this.#open.add(socket);
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' }));
    }, connectTimeoutMs);
    socket.once(readyEvent, () => {
      clearTimeout(timer);
      this.#ready.add(socket);
    });
    socket.once('close', () => {
      clearTimeout(timer);
      this.#open.delete(socket);
    });
    // Node 20 leaves a socket without a listener while it passes from one request to the next.
    socket.on('error', () => undefined);
  }
}

function contextOf({ ca, cert, key }: UpstreamTls): SecureContext {
  return createSecureContext({ ca, cert, key });
}
