/**
 * Passes calls through to the pool unchanged. http-proxy 1.18.1 does several things wrong for this proxy.
 * This folder corrects them, and the comment at each correction gives the reason.
 */
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ConnectionObserver } from '../core/connection-guard.ts';
import type { Fault } from '../core/messages/fault.ts';
import { OwnerSlots } from '../core/structures/owner-slots.ts';
import type { PoolServers } from '../upstream/servers/pool-servers.ts';
import { BalancedCall, type BalancedCallParts, type ServerChoice } from './balanced-call.ts';
import type { PassThroughCall, PassThroughObserver } from './pass-through-call.ts';
import { type ExchangeResources, PassThroughExchange } from './pass-through-exchange.ts';
import { HttpProxy } from './http-proxy.ts';
import { hasBody, outgoingRequest } from './outgoing-request.ts';
import { BoundConnections } from './bound-connections.ts';
import type { UpstreamTls } from './secure-agent.ts';
import { type BufferedBytes, RequestBuffer, readFirstBytes } from './request-buffer.ts';
import { routeOf, ServerConnections } from './server-connections.ts';
import { SlowClients } from './slow-clients.ts';

export interface PassThroughOptions {
  /** An http or https URL without a path. */
  readonly upstream: URL;
  /** Limit for the connections of all calls except polls, which have unlimited connections of their own. */
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** Idle time after which a connection without a request is closed, in ms. */
  readonly idleSocketTimeoutMs: number;
  /** Time without a byte in either direction after which an exchange ends, in ms. Polls have no such limit. */
  readonly idleTimeoutMs: number;
  /** Limits of the bound connections. */
  readonly bound: {
    readonly maxConnections: number;
    readonly idleSocketTimeoutMs: number;
    readonly maxAgeMs: number;
  };
  /** Time in ms in which a client that sends less than 64 KiB of a large body is slow. */
  readonly slowUploadMs?: number;
  /** Limit for the buffered bytes of all request bodies. */
  readonly maxBodyBytes: number;
  /** The buffered bytes that count for this limit. By default those of this pass-through alone. */
  readonly bodies?: BufferedBytes;
  readonly observer: ConnectionObserver;
  /** Rest after an answer, in ms. The default is `restMs` of `core/connection-rest.ts`. */
  readonly restMs?: number;
  /**
   * Bytes of each body that are buffered. The default is `readFirstBytes`; 0 streams bodies from the first
   * byte.
   */
  readonly readFirstBytes?: number;
  /** Returns the current TLS files: the same object until the files change. */
  readonly tls?: () => UpstreamTls;
  /** The servers of the pool, if there are several. Then `upstream` gives only the protocol. */
  readonly servers?: PoolServers | undefined;
}

export interface PassThrough {
  /** @returns ends the call because the client has stopped sending its body; nothing after an answer head */
  forward(call: PassThroughCall, observer: PassThroughObserver): () => void;
  /**
   * Reserves the bound connection of a client. To be called before each call of a bound client is forwarded.
   *
   * @param client the client's connection
   * @returns `false` if all bound connections are in use
   */
  reserve(client: Socket): boolean;
  /** The host of the only server, for calls of this client. Calls to several servers name theirs in the outcome. */
  onlyServer?(client: Socket): string | undefined;
  /** Number of connections to the pool, idle and bound ones included. */
  openConnections(): number;
  boundConnections(): number;
  openPolls(): number;
  /**
   * Ends a fraction (0 to 1, rounded up) of the polls that wait for an answer, oldest first. Their observers
   * answer with the fault.
   */
  endPolls(fraction: number, fault: Fault): void;
  /**
   * Ends all calls that wait for an answer, except polls. The phase of the fault says whether a call can have
   * run.
   */
  endWaiting(): void;
  /** Ends all exchanges, and resolves when all connections are closed. */
  stop(): Promise<void>;
}

/** Share of the connections for large bodies, and also the share for clients that read slowly. */
const slowShare = 1 / 4;

const slowDownloadMs = 5000;
const usualSlowUploadMs = 60_000;

/** Share of the connections that one owner may use. */
const ownerShare = 1 / 2;

/** Interval of the checks for idle exchanges: a share of the idle timeout, at most `checkMaxMs`. */
const checkShare = 1 / 8;
const checkMaxMs = 1000;

/** @throws when the TLS files cannot be used */
export function createPassThrough(options: PassThroughOptions): PassThrough {
  const { idleTimeoutMs, readFirstBytes: readBytes = readFirstBytes } = options;
  const buffer = new RequestBuffer(readBytes, options.maxBodyBytes, options.bodies ?? { bytes: 0 });
  const { servers } = options;
  const connectionsOf = (maxConnections: number): ServerConnections =>
    new ServerConnections({ ...options, maxConnections }, servers?.set);
  const ordinary = createTrafficClass(connectionsOf(options.maxConnections));
  const polls = createTrafficClass(connectionsOf(Infinity));
  // Large bodies have connections of their own, so that other calls never wait for a long upload.
  const maxSlow = Math.ceil(options.maxConnections * slowShare);
  const large = connectionsOf(maxSlow);
  const downloads = new SlowClients(slowDownloadMs, ({ takenBytes }) => takenBytes);
  const uploads = new SlowClients(options.slowUploadMs ?? usualSlowUploadMs, (exchange) =>
    large.has(exchange.resources.connections) ? exchange.sentBytes : undefined,
  );
  const slots = new OwnerSlots(Math.ceil(options.maxConnections * ownerShare));
  const largeSlots = new OwnerSlots(Math.ceil(maxSlow * ownerShare));
  const bound = new BoundConnections({
    ...options,
    ...options.bound,
    ...(servers && { route: routeOf(servers.set, undefined) }),
  });
  // The slots of all owners. With one server, its connections are the limit.
  const allSlots = servers && new OwnerSlots(options.maxConnections);
  const allLargeSlots = servers && new OwnerSlots(maxSlow);
  const proxy = createProxy(options.upstream);

  const check = setInterval(
    () => {
      const nowMs = performance.now();
      for (const exchange of ordinary.exchanges) exchange.check(nowMs, idleTimeoutMs);
      for (const exchange of downloads.findExcess(ordinary.exchanges, nowMs, maxSlow)) {
        exchange.abort('connection_terminated');
      }
      // Slow uploads go on until other large bodies need their connections.
      const waiting = large.waiting + (allLargeSlots?.waiting ?? 0);
      const mayStay = waiting === 0 ? Infinity : Math.max(0, maxSlow - waiting);
      for (const exchange of uploads.findExcess(ordinary.exchanges, nowMs, mayStay)) {
        exchange.endSlowBody();
      }
      for (const exchange of polls.exchanges) exchange.check(nowMs, Infinity);
    },
    Math.min(checkMaxMs, idleTimeoutMs * checkShare),
  );
  check.unref();

  const start = (
    call: PassThroughCall,
    observer: PassThroughObserver,
    choice?: ServerChoice,
  ): PassThroughExchange => {
    const { request, response } = call;
    const { exchanges, connections } = call.poll ? polls : ordinary;
    const wasBound = bound.wasBound(request.socket);
    const resources: ExchangeResources = {
      exchanges,
      connections: connections.any,
      wasBound,
      release: () => undefined,
    };
    const exchange = new PassThroughExchange(call, observer, resources, performance.now());
    const send = (body: Readable, isLarge: boolean): void => {
      const own = call.isBound ? bound.of(request.socket) : undefined;
      if (call.isBound && own === undefined) {
        exchange.fail({ phase: 'unsent', name: 'connection_limit_reached' });
        return;
      }
      resources.connections = own ?? (isLarge ? large : connections).to(choice?.choose());
      const created = (upstream: ClientRequest): void => {
        choice?.created(upstream, resources.connections);
        exchange.attach(upstream);
      };
      try {
        proxy.web(request, response, {
          agent: resources.connections.agent,
          ssl: outgoingRequest(call, created),
          buffer: body,
        });
      } catch (error) {
        exchange.abort('proxy_internal_error', error);
      }
    };
    const sendInTurn = (body: Readable, isLarge: boolean): void => {
      if (exchange.isOver) return;
      exchange.activity.isReady = true;
      // Polls and bound calls have connections of their own, without a limit for each owner.
      if (call.poll || call.isBound) {
        send(body, isLarge);
        return;
      }
      const addRelease = (release: () => void): void => {
        const others = resources.release;
        resources.release = () => {
          others();
          release();
        };
        if (!exchanges.has(exchange)) resources.release();
      };
      const all = isLarge ? allLargeSlots : allSlots;
      const sendInPool = (): void => {
        if (all === undefined) send(body, isLarge);
        else if (!exchange.isOver) addRelease(all.acquire('', () => send(body, isLarge)));
      };
      addRelease((isLarge ? largeSlots : slots).acquire(call.owner, sendInPool));
    };
    if (readBytes === 0 || !hasBody(request))
      sendInTurn(choice?.hasMoved === true ? Readable.from([]) : request, false);
    else if (!exchange.isOver) resources.release = buffer.read(request, sendInTurn);
    return exchange;
  };

  const balanced: BalancedCallParts | undefined = servers && {
    set: servers.set,
    budget: servers.moves,
    isStopped: false,
    start,
  };
  const shared = [ordinary.connections, polls.connections, large];
  servers?.onEjected.push((server) => {
    for (const connections of shared) connections.closeIdle(server);
    bound.closeIdle(server);
  });
  servers?.onAdded.push((server) => {
    for (const connections of shared) connections.add(server, servers.set);
  });
  servers?.stillUses.push((server) => shared.some((connections) => connections.uses(server)));
  servers?.onGone.push((server) => {
    for (const connections of shared) connections.remove(server);
  });

  return {
    forward(call, observer) {
      if (balanced === undefined) return start(call, observer).endSlowBody;
      const balancedCall = new BalancedCall(balanced, call, observer);
      return () => balancedCall.endSlowBody();
    },

    reserve: (client) => client.destroyed || bound.of(client) !== undefined,

    onlyServer: () => (servers === undefined ? options.upstream.host : undefined),

    openConnections: () =>
      ordinary.connections.count + large.count + polls.connections.count + bound.count,
    boundConnections: () => bound.count,

    openPolls: () => polls.exchanges.size,

    endPolls(fraction, fault) {
      const waiting = Array.from(polls.exchanges).filter((exchange) => exchange.isWaiting);
      const share = Math.ceil(waiting.length * fraction);
      for (const exchange of waiting.slice(0, share)) exchange.fail(fault);
    },

    endWaiting() {
      // These calls must not move, and their end says nothing about the servers.
      if (balanced !== undefined) balanced.isStopped = true;
      for (const exchange of [...ordinary.exchanges]) {
        if (exchange.isWaiting) exchange.abort('destination_unavailable');
      }
    },

    async stop() {
      clearInterval(check);
      if (balanced !== undefined) balanced.isStopped = true;
      for (const { exchanges } of [ordinary, polls]) {
        for (const exchange of exchanges) exchange.abort('connection_terminated');
      }
      await Promise.all([...shared, bound].map((connections) => connections.close()));
    },
  };
}

interface TrafficClass {
  readonly connections: ServerConnections;
  readonly exchanges: Set<PassThroughExchange>;
}

function createTrafficClass(connections: ServerConnections): TrafficClass {
  return { connections, exchanges: new Set() };
}

function createProxy(upstream: URL): InstanceType<typeof HttpProxy> {
  const proxy = new HttpProxy({
    // http-proxy uses only the protocol. The agent knows the address, and `outgoingRequest` sets the path.
    target: { protocol: upstream.protocol, host: upstream.hostname },
    // Prevents `url.parse()` of the client's target, which throws for some targets.
    toProxy: true,
    ignorePath: true,
    prependPath: false,
    selfHandleResponse: true,
  });
  // Without this listener http-proxy throws. Each exchange handles the errors of its own request.
  proxy.on('error', () => undefined);
  return proxy;
}
