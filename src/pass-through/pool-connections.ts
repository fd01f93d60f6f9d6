import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import type { ConnectionObserver } from '../core/connection-guard.ts';
import { type Borrower, type Owner, shared } from '../core/connection-label.ts';
import { restAtCapMs, restMs } from '../core/connection-rest.ts';
import { InvariantViolation } from '../core/invariants.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import { RestingConnections } from './resting-connections.ts';
import { type AnswerProgress, PoolSocket } from './pool-socket.ts';

declare module 'http' {
  interface Agent {
    /**
     * Receives each new request from `http.request()`. The method is undocumented, but agent libraries use
     * it.
     */
    addRequest(request: ClientRequest, options: object): void;
  }
}

/** TLS files and server name (SNI) of the pool. The certificate of the pool is always verified. */
export interface UpstreamTls {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
}

export interface PoolConnectionsOptions {
  readonly upstream: URL;
  readonly maxConnections: number;
  /** Limit from the start of name resolution to the end of the TLS handshake, in ms. */
  readonly connectTimeoutMs: number;
  readonly idleSocketTimeoutMs: number;
  /** Age after which a connection closes when its request is over, in ms. The default is no limit. */
  readonly maxAgeMs?: number;
  /** Returns the current TLS files: the same object until the files change. */
  readonly tls?: () => UpstreamTls;
  readonly observer: ConnectionObserver;
  /** Rest after an answer, in ms. The default is `restMs` of `core/connection-rest.ts`. */
  readonly restMs?: number;
}

const noTls: UpstreamTls = {};

/** Required options of a request through {@link PoolConnections.agent}. */
export interface PoolRequestOptions {
  /** Receives the request before the agent queues it or gives it a socket. */
  readonly onCreated: (request: ClientRequest) => void;
  /** The client's connection. */
  readonly client: object;
  /** See `PassThroughCall`. */
  readonly user: string | undefined;
}

/**
 * Constant name for the agent's queues. Each agent serves one pool, so no name is computed for each request.
 */
const poolName = 'pool';

/** Idle time before TCP keep-alive probes, in ms. Polls are silent for minutes, and there are many of them. */
const tcpProbeAfterMs = 30_000;

/** Time in ms that a client has for the next message of a sign-in before its connection counts as idle. */
const handshakeMs = 5000;

/**
 * A connection pool with keep-alive, either shared by all clients or bound to one connection of a client.
 * Sign-ins that the pool stores on a connection (NTLM, Negotiate) use bound connections only.
 */
export class PoolConnections {
  readonly agent: http.Agent;
  readonly #owner: Owner;
  readonly #options: PoolConnectionsOptions;
  readonly #open = new Set<PoolSocket>();
  /** Includes closed connections, as long as a request still refers to their socket. */
  readonly #bySocket = new WeakMap<Socket, PoolSocket>();
  readonly #resting: RestingConnections;

  /** @param owner `shared`, or the client's connection that these connections are bound to */
  constructor(options: PoolConnectionsOptions, owner: Owner = shared) {
    this.#options = options;
    this.#owner = owner;
    // A bound connection serves one client only, so it does not rest.
    const isShared = owner === shared;
    this.#resting = new RestingConnections(
      isShared ? (options.restMs ?? restMs) : 0,
      isShared ? restAtCapMs : 0,
    );
    const { upstream } = options;
    const secure = upstream.protocol === 'https:';
    const { hostname, port } = urlToHttpOptions(upstream);
    // Node must not take the server name from the `Host` of a request. An IP address is no server name.
    const servername = typeof hostname === 'string' && isIP(hostname) === 0 ? hostname : '';
    const endpoint = { host: hostname, port: port ?? (secure ? 443 : 80), servername };
    const agent = secure ? this.#secureAgent() : new http.Agent(this.#pooling());

    // Methods are replaced on the instance, so that `http.Agent` and `https.Agent` share this code.
    const connect = agent.createConnection.bind(agent);
    agent.createConnection = (connectOptions, callback) => {
      const socket = connect(connectOptions, callback);
      this.#watch(socket as Socket, secure ? 'secureConnect' : 'connect');
      return socket;
    };
    const addRequest = agent.addRequest.bind(agent);
    agent.addRequest = (request, requestOptions) => {
      const { onCreated, client, user } = requestOptions as PoolRequestOptions;
      onCreated(request);
      if (!this.#hasQueue()) this.#resting.releaseFor(client, user);
      // The agent gets only the address: a socket keeps its options, and those of a request hold credentials.
      addRequest(request, endpoint);
      if (this.#hasQueue()) this.#resting.releaseOldestSoon();
    };
    agent.getName = () => poolName;
    // Node's own listener gives the connection to the next request immediately. Here it runs after the rest.
    const lendAgain = agent.listeners('free') as Array<(socket: Socket, options: object) => void>;
    agent.removeAllListeners('free');
    agent.on('free', (socket: Socket, freeOptions: object) => {
      const lend = (): void =>
        lendAgain.forEach((listener) => listener.call(agent, socket, freeOptions));
      const connection = this.#bySocket.get(socket);
      // Node also emits `free` for a new connection, which has not been lent and needs no rest.
      if (connection?.isLent !== true) lend();
      else {
        const { client, user } = connection;
        connection.giveBack();
        this.#closeAged(connection);
        this.#resting.add(client, user, lend);
        if (this.#hasQueue()) this.#resting.releaseOldestSoon();
      }
    });
    this.agent = agent;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Number of requests that wait for a connection. */
  get waiting(): number {
    return this.agent.requests[poolName]?.length ?? 0;
  }

  /** Whether no connection carries a request, or is in a sign-in. A sign-in counts for `handshakeMs`. */
  isIdle(nowMs: number): boolean {
    if (this.#hasQueue()) return false;
    for (const { isLent, isInHandshake, freeSinceMs } of this.#open) {
      if (isLent || (isInHandshake && nowMs - freeSinceMs < handshakeMs)) return false;
    }
    return true;
  }

  /**
   * Whether bytes of the request can have reached the pool: the request has a connection, and that connection
   * was established. `bytesWritten` is no proof, because it counts bytes that are still buffered.
   */
  mayHaveSent(request: ClientRequest | undefined): boolean {
    return this.#connectionOf(request)?.isReady === true;
  }

  /**
   * Lends a connection to a request. To be called before the first byte of the request is written.
   *
   * @throws InvariantViolation when the request must not use this connection
   */
  lend(socket: Socket, borrower: Borrower, answering: AnswerProgress): void {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined) {
      throw new InvariantViolation('own_connection', 'a connection without a label');
    }
    connection.lend(borrower, answering);
  }

  /** Marks the connection by the head of an answer. To be called for interim answers (1xx) too. */
  answered(request: ClientRequest, status: number, headers: RawHeaders): void {
    const connection = this.#connectionOf(request);
    connection?.answered(status, headers);
    // Node then closes the connection after the answer, and gives it to no other request.
    if (connection?.isSpent === true) request.shouldKeepAlive = false;
  }

  /** Destroys a request, and removes it from the queue. Node would keep a destroyed request in the queue. */
  cancel(request: ClientRequest): void {
    const queue = this.agent.requests[poolName];
    const place = request.socket === null && queue ? queue.indexOf(request) : -1;
    if (queue && place !== -1) {
      queue.splice(place, 1);
      // Node throws if a queue is empty when the last socket closes.
      if (queue.length === 0) Reflect.deleteProperty(this.agent.requests, poolName);
    }
    request.destroy();
  }

  /** Destroys all connections and queued requests, and resolves when the connections are closed. */
  async close(): Promise<void> {
    const closed = Array.from(
      this.#open,
      ({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
    );
    // Queued requests are canceled first. Otherwise Node would open new connections for them.
    for (const request of [...(this.agent.requests[poolName] ?? [])]) this.cancel(request);
    this.agent.destroy();
    this.#resting.releaseAll();
    await Promise.all(closed);
  }

  #pooling(): http.AgentOptions {
    const { maxConnections, idleSocketTimeoutMs } = this.#options;
    return {
      keepAlive: true,
      keepAliveMsecs: tcpProbeAfterMs,
      maxSockets: maxConnections,
      maxFreeSockets: maxConnections,
      timeout: idleSocketTimeoutMs,
    };
  }

  #secureAgent(): https.Agent {
    const { tls = () => noTls } = this.#options;
    let files = tls();
    let renewed: { secureContext: SecureContext; session: undefined } | undefined;
    const agent = new https.Agent({
      ...this.#pooling(),
      ...(files.servername !== undefined && { servername: files.servername }),
      // Created once. Otherwise each connection would parse the files again.
      secureContext: contextOf(files),
      rejectUnauthorized: true,
      // A bound connection must not resume the TLS session of another connection.
      ...(this.#owner !== shared && { maxCachedSessions: 0 }),
    });
    const connect = agent.createConnection.bind(agent);
    agent.createConnection = (connectOptions, callback) => {
      const current = tls();
      if (current !== files) {
        files = current;
        // A resumed old session would skip the verification against the new CA.
        renewed = { secureContext: contextOf(files), session: undefined };
      }
      return connect({ ...connectOptions, ...renewed }, callback);
    };
    return agent;
  }

  #connectionOf(request: ClientRequest | undefined): PoolSocket | undefined {
    const socket = request?.socket;
    return socket === undefined || socket === null ? undefined : this.#bySocket.get(socket);
  }

  #hasQueue(): boolean {
    return this.waiting > 0;
  }

  /** Closes the connection if it is too old. In a sign-in it stays open, because the next message needs it. */
  #closeAged({ isInHandshake, openedAtMs, socket }: PoolSocket): void {
    const { maxAgeMs = Infinity } = this.#options;
    if (!isInHandshake && performance.now() - openedAtMs >= maxAgeMs) socket.destroy();
  }

  #watch(socket: Socket, readyEvent: 'connect' | 'secureConnect'): void {
    const { connectTimeoutMs, observer } = this.#options;
    const connection = new PoolSocket(socket, this.#owner, performance.now(), observer);
    this.#open.add(connection);
    this.#bySocket.set(socket, connection);
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' }));
    }, connectTimeoutMs);
    socket.once(readyEvent, () => {
      clearTimeout(timer);
      connection.ready();
    });
    socket.once('close', () => {
      clearTimeout(timer);
      this.#open.delete(connection);
    });
    // On Node 20 a socket has no `error` listener between two requests.
    socket.on('error', () => undefined);
  }
}

function contextOf({ ca, cert, key }: UpstreamTls): SecureContext {
  return createSecureContext({ ca, cert, key });
}
