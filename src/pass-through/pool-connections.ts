import http, { type ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionObserver } from '../core/connection-guard.ts';
import { type Borrower, type Owner, shared } from '../core/connection-label.ts';
import { restAtCapMs, restMs } from '../core/connection-rest.ts';
import { InvariantViolation } from '../core/invariants.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import type { Server } from '../core/servers/server.ts';
import { connectInTurn, type ServerRoute } from './connect-in-turn.ts';
import { endpointOf } from './endpoint.ts';
import { RestingConnections } from './resting-connections.ts';
import { type AnswerProgress, PoolSocket } from './pool-socket.ts';
import { createSecureAgent, type UpstreamTls } from './secure-agent.ts';

declare module 'http' {
  interface Agent {
    /** Receives each new request from `http.request()`. Undocumented, but agent libraries use it. */
    addRequest(request: ClientRequest, options: object): void;
  }
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
  /** Chooses the server of each connection to a pool of several servers. */
  readonly route?: ServerRoute;
  readonly observer: ConnectionObserver;
  /** Rest after an answer, in ms. The default is `restMs` of `core/connection-rest.ts`. */
  readonly restMs?: number;
}

/** Required options of a request through {@link PoolConnections.agent}. */
export interface PoolRequestOptions {
  /** Receives the request before the agent queues it or gives it a socket. */
  readonly onCreated: (request: ClientRequest) => void;
  /** The client's connection. */
  readonly client: object;
  /** See `PassThroughCall`. */
  readonly user: string | undefined;
}

/** Name of the agent's queues. Each agent serves one pool, so no name is computed for each request. */
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
  /** Ends the opening of a request's connection to one of several servers. */
  readonly #abandons = new WeakMap<ClientRequest, () => void>();
  /** The request that the agent receives now. */
  #arriving: ClientRequest | undefined;
  #isClosed = false;

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
    const { upstream, route } = options;
    const secure = upstream.protocol === 'https:';
    const endpoint = endpointOf(upstream);
    const pooling = this.#pooling();
    // A bound connection must not resume the TLS session of another connection.
    const agent = secure
      ? createSecureAgent({ ...pooling, ...(!isShared && { maxCachedSessions: 0 }) }, options.tls)
      : new http.Agent(pooling);

    // Methods are replaced on the instance, so that `http.Agent` and `https.Agent` share this code.
    const connect = agent.createConnection.bind(agent);
    const readyEvent = secure ? 'secureConnect' : 'connect';
    agent.createConnection = (connectOptions, callback) => {
      const socket = connect(connectOptions, callback);
      this.#watch(socket as Socket, readyEvent);
      return socket;
    };
    if (route !== undefined) {
      const open = agent.createConnection.bind(agent);
      agent.createConnection = connectInTurn(
        route,
        {
          open: ({ origin }, connectOptions) =>
            open({ ...connectOptions, ...endpointOf(new URL(origin), options.tls?.()) }) as Socket,
          mayOpen: () => !this.#isClosed,
          began: (abandon) => this.#arriving && this.#abandons.set(this.#arriving, abandon),
        },
        readyEvent,
        (socket, server) => {
          const connection = this.#bySocket.get(socket);
          if (connection !== undefined) connection.server = server;
        },
      );
    }
    const addRequest = agent.addRequest.bind(agent);
    agent.addRequest = (request, requestOptions) => {
      const { onCreated, client, user } = requestOptions as PoolRequestOptions;
      onCreated(request);
      if (!this.#hasQueue()) this.#resting.releaseFor(client, user);
      // The agent gets only the address: a socket keeps its options, and those of a request hold credentials.
      this.#arriving = request;
      addRequest(request, endpoint);
      this.#arriving = undefined;
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
      // Node also emits `free` for a new connection, which has not been lent and needs no rest. A new connection
      // to another server than the first choice must serve its request, or Node would open the next one at once.
      if (connection?.isLent !== true) lend();
      else {
        const { client, user } = connection;
        connection.giveBack();
        if (route !== undefined && !this.#mayKeep(socket, route)) socket.destroy();
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
    return this.connectionOf(request)?.isReady === true;
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
    const connection = this.connectionOf(request);
    connection?.answered(status, headers);
    // Node then closes the connection after the answer, and gives it to no other request.
    if (connection?.isSpent === true) request.shouldKeepAlive = false;
  }

  /** Returns the connection of the request, if it has one. */
  connectionOf(request: ClientRequest | undefined): PoolSocket | undefined {
    const socket = request?.socket;
    return socket === undefined || socket === null ? undefined : this.#bySocket.get(socket);
  }

  /** Closes the connections to this server that carry no request. */
  closeIdle(server: Server): void {
    for (const { isIdle, socket, server: own } of this.#open) {
      if (isIdle && own === server) socket.destroy();
    }
  }

  /** Closes the connection that has been idle for longest. Returns `false` if none is idle. */
  closeIdlest(): boolean {
    const idle = [...this.#open].filter(({ isIdle, socket }) => isIdle && !socket.destroyed);
    const [idlest] = idle.sort((a, b) => a.freeSinceMs - b.freeSinceMs);
    idlest?.socket.destroy();
    return idlest !== undefined;
  }

  /**
   * Destroys a request, and removes it from the queue. Node would keep a destroyed request in the queue. Also ends
   * the opening of its connection: clients that leave could otherwise open any number of connections.
   */
  cancel(request: ClientRequest): void {
    const queue = this.agent.requests[poolName];
    const place = request.socket === null && queue ? queue.indexOf(request) : -1;
    if (queue && place !== -1) {
      queue.splice(place, 1);
      // Node throws if a queue is empty when the last socket closes.
      if (queue.length === 0) Reflect.deleteProperty(this.agent.requests, poolName);
    }
    this.#abandons.get(request)?.();
    request.destroy();
  }

  /** Destroys all connections and queued requests, and resolves when the connections are closed. */
  async close(): Promise<void> {
    const closed = Array.from(
      this.#open,
      ({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
    );
    this.#isClosed = true;
    // Queued requests are canceled first. Otherwise Node would open new connections for them.
    for (const request of [...(this.agent.requests[poolName] ?? [])]) this.cancel(request);
    this.agent.destroy();
    // The agent does not know connections that are being opened to one of several servers.
    for (const { socket } of this.#open) socket.destroy();
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

  #mayKeep(socket: Socket, route: ServerRoute): boolean {
    const server = this.#bySocket.get(socket)?.server;
    return server !== undefined && route.mayKeep(server);
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
  }
}
