import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import type { ConnectionObserver } from '../core/connection-guard.ts';
import {
  type Borrower,
  type Owner,
  restAtCapMs,
  restMs,
  shared,
} from '../core/connection-label.ts';
import { InvariantViolation } from '../core/invariants.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import { RestingConnections } from './resting-connections.ts';
import { type AnswerProgress, PoolSocket } from './pool-socket.ts';

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

export interface PoolConnectionsOptions {
  readonly upstream: URL;
  readonly maxConnections: number;
  /** From the start of name resolution to the end of the TLS handshake. */
  readonly connectTimeoutMs: number;
  readonly idleSocketTimeoutMs: number;
  /** A connection that is older is closed when it is given back; by default none is. */
  readonly maxAgeMs?: number;
  /** What is in force now; the same object until something else is. */
  readonly tls?: () => UpstreamTls;
  readonly observer: ConnectionObserver;
  /** See `restMs`, which is the default. */
  readonly restMs?: number;
}

const noTls: UpstreamTls = {};

/** What must stand in the options of a request that goes through {@link PoolConnections.agent}. */
export interface PoolRequestOptions {
  /** Told of the request before anything can happen to it. */
  readonly onCreated: (request: ClientRequest) => void;
  /** The client's connection that it came on, and for whom; see `PassThroughCall`. */
  readonly client: object;
  readonly user: string | undefined;
}

/** There is one pool behind an agent, so no name need be put together for each request. */
const poolName = 'pool';

/** TCP probes of connections without traffic: polls are silent for minutes, and there are many. */
const tcpProbeAfterMs = 30_000;

/** How long a client may take for the next message of a handshake before others may need its place. */
const handshakeMs = 5000;

/**
 * Connections to the pool, kept alive: shared by all clients, or bound to one connection of a client.
 * Authentication that is kept on a connection (NTLM, Negotiate) uses bound ones only.
 */
export class PoolConnections {
  readonly agent: http.Agent;
  readonly #owner: Owner;
  readonly #options: PoolConnectionsOptions;
  readonly #open = new Set<PoolSocket>();
  /** Closed ones too, for as long as a request refers to them. */
  readonly #bySocket = new WeakMap<Socket, PoolSocket>();
  readonly #resting: RestingConnections;

  /** `owner`: the client's connection that they are bound to, or `shared`. */
  constructor(options: PoolConnectionsOptions, owner: Owner = shared) {
    this.#options = options;
    this.#owner = owner;
    // A bound connection serves one client: it need not rest.
    const isShared = owner === shared;
    this.#resting = new RestingConnections(
      isShared ? (options.restMs ?? restMs) : 0,
      isShared ? restAtCapMs : 0,
    );
    const { upstream } = options;
    const secure = upstream.protocol === 'https:';
    const { hostname, port } = urlToHttpOptions(upstream);
    const endpoint = { host: hostname, port: port ?? (secure ? 443 : 80) };
    const agent = secure ? this.#secureAgent() : new http.Agent(this.#pooling());

    // Hooks on the instance serve http.Agent and https.Agent alike.
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
      // Not the options of the request: a socket keeps those it was made with, credentials and all.
      addRequest(request, endpoint);
      if (this.#hasQueue()) this.#resting.releaseOldestSoon();
    };
    agent.getName = () => poolName;
    // Node's own listener lends the connection to the next request at once.
    const lendAgain = agent.listeners('free') as Array<(socket: Socket, options: object) => void>;
    agent.removeAllListeners('free');
    agent.on('free', (socket: Socket, freeOptions: object) => {
      const lend = (): void =>
        lendAgain.forEach((listener) => listener.call(agent, socket, freeOptions));
      const connection = this.#bySocket.get(socket);
      // Node also offers a new connection in this way to a request that waits.
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

  /**
   * Whether no connection carries a request, or waits for the next message of a handshake; a client
   * has a while to send it.
   */
  isIdle(nowMs: number): boolean {
    if (this.#hasQueue()) return false;
    for (const { isLent, isInHandshake, freeSinceMs } of this.#open) {
      if (isLent || (isInHandshake && nowMs - freeSinceMs < handshakeMs)) return false;
    }
    return true;
  }

  /**
   * Whether bytes of the request can have reached the pool: it was given a connection, and that was
   * made. (`bytesWritten` proves nothing: it counts what still waits.)
   */
  mayHaveSent(request: ClientRequest | undefined): boolean {
    return this.#connectionOf(request)?.isReady === true;
  }

  /**
   * To be called when a request is given its connection, before a byte of it is written.
   *
   * @throws InvariantViolation when the request must not be written to that connection
   */
  lend(socket: Socket, borrower: Borrower, answering: AnswerProgress): void {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined) {
      throw new InvariantViolation('own_connection', 'a connection without a label');
    }
    connection.lend(borrower, answering);
  }

  /** The head of an answer came, an interim one (1xx) too. */
  answered(request: ClientRequest, status: number, headers: RawHeaders): void {
    const connection = this.#connectionOf(request);
    connection?.answered(status, headers);
    // Node closes the connection behind the answer, instead of lending it to a request that waits.
    if (connection?.isSpent === true) request.shouldKeepAlive = false;
  }

  /**
   * Destroys a request. One that still waits for a socket leaves the queue, where Node would let it
   * sit until its turn.
   */
  cancel(request: ClientRequest): void {
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
      ({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
    );
    // Node would open a new connection for a request that waits.
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
      // Made once: otherwise each connection would read the files' text again.
      secureContext: contextOf(files),
      rejectUnauthorized: true,
      // A bound connection resumes no session of another one.
      ...(this.#owner !== shared && { maxCachedSessions: 0 }),
    });
    const connect = agent.createConnection.bind(agent);
    agent.createConnection = (connectOptions, callback) => {
      const current = tls();
      if (current !== files) {
        files = current;
        // A session of before would be resumed without a look at the new authorities.
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
    return (this.agent.requests[poolName]?.length ?? 0) > 0;
  }

  /** Not behind a challenge, whose answer the same connection has to take. */
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
    // Node 20 leaves a socket without a listener while it passes from one request to the next.
    socket.on('error', () => undefined);
  }
}

function contextOf({ ca, cert, key }: UpstreamTls): SecureContext {
  return createSecureContext({ ca, cert, key });
}
