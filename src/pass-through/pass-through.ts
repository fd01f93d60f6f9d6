/**
 * Relays calls to the pool as they are. Everything that http-proxy 1.18.1 does wrong for us is put
 * right in this folder, and each remedy says what for.
 */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { ConnectionObserver } from '../core/connection-guard.ts';
import type { Fault } from '../core/messages/fault.ts';
import { OwnerSlots } from '../core/structures/owner-slots.ts';
import type { PassThroughCall, PassThroughObserver } from './pass-through-call.ts';
import { type ExchangeResources, PassThroughExchange } from './pass-through-exchange.ts';
import { HttpProxy } from './http-proxy.ts';
import { hasBody, outgoingRequest } from './outgoing-request.ts';
import { BoundConnections } from './bound-connections.ts';
import { PoolConnections, type UpstreamTls } from './pool-connections.ts';
import { RequestBuffer, readFirstBytes } from './request-buffer.ts';
import { SlowDownloads } from './slow-downloads.ts';

export interface PassThroughOptions {
  /** http or https, without a path. */
  readonly upstream: URL;
  /** Polls have connections of their own, without a bound. */
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** A connection that serves no request is closed after so long. */
  readonly idleSocketTimeoutMs: number;
  /** An exchange ends after so long without a byte in either direction; a poll never does. */
  readonly idleTimeoutMs: number;
  /** Connections that belong to one connection of a client each. */
  readonly bound: {
    readonly maxConnections: number;
    readonly idleSocketTimeoutMs: number;
    readonly maxAgeMs: number;
  };
  /** Bytes of all bodies that are read before connections are taken for them. */
  readonly maxBodyBytes: number;
  readonly observer: ConnectionObserver;
  /** See `restMs`, which is the default. */
  readonly restMs?: number;
  /** See `readFirstBytes`, which is the default; 0: bodies are streamed from their first byte. */
  readonly readFirstBytes?: number;
  /** What is in force now; the same object until something else is. */
  readonly tls?: () => UpstreamTls;
}

export interface PassThrough {
  forward(call: PassThroughCall, observer: PassThroughObserver): void;
  /**
   * To be called before a call of a bound client is forwarded.
   *
   * @param client the client's connection
   * @returns `false` when as many bound connections as may be are in use
   */
  reserve(client: Socket): boolean;
  /** Connections to the pool, idle and bound ones included. */
  openConnections(): number;
  boundConnections(): number;
  openPolls(): number;
  /**
   * Ends that share (0..1, rounded up) of the polls that wait for an answer, oldest first: their
   * observers are told to answer with the fault.
   */
  endPolls(fraction: number, fault: Fault): void;
  /** Ends all that wait for an answer; their observers are told whether they can have run. */
  endWaiting(): void;
  /** Ends everything that is open; resolves when the connections are closed. */
  stop(): Promise<void>;
}

/** Of the connections, one in so many may be held by large bodies, and by clients that read slowly. */
const slowShare = 4;

/** One owner may use one in so many of the connections that all share. */
const ownerShare = 2;

/** How late an idle exchange may be found: a share of its time, and no later than this. */
const checkShare = 1 / 8;
const checkMaxMs = 1000;

/** @throws when the TLS files cannot be used */
export function createPassThrough(options: PassThroughOptions): PassThrough {
  const { idleTimeoutMs, readFirstBytes: readBytes = readFirstBytes } = options;
  const buffer = new RequestBuffer(readBytes, options.maxBodyBytes);
  const ordinary = createTrafficClass(options, options.maxConnections);
  const polls = createTrafficClass(options, Infinity);
  // Bodies that take their time leave connections to all else.
  const largeShare = Math.ceil(options.maxConnections / slowShare);
  const large = new PoolConnections({ ...options, maxConnections: largeShare });
  const slow = new SlowDownloads(largeShare);
  const slots = new OwnerSlots(Math.ceil(options.maxConnections / ownerShare));
  const largeSlots = new OwnerSlots(Math.ceil(largeShare / ownerShare));
  const bound = new BoundConnections({ ...options, ...options.bound });
  const proxy = createProxy(options.upstream);

  const check = setInterval(
    () => {
      const nowMs = performance.now();
      for (const exchange of ordinary.exchanges) exchange.check(nowMs, idleTimeoutMs);
      for (const exchange of slow.findExcess(ordinary.exchanges, nowMs)) {
        exchange.abort('connection_terminated');
      }
      for (const exchange of polls.exchanges) exchange.check(nowMs, Infinity);
    },
    Math.min(checkMaxMs, idleTimeoutMs * checkShare),
  );
  check.unref();

  return {
    forward(call, observer) {
      const { request, response } = call;
      const { exchanges, connections } = call.poll ? polls : ordinary;
      const wasBound = bound.wasBound(request.socket);
      const resources: ExchangeResources = {
        exchanges,
        connections,
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
        resources.connections = own ?? (isLarge ? large : connections);
        try {
          proxy.web(request, response, {
            agent: resources.connections.agent,
            ssl: outgoingRequest(call, exchange.attach),
            buffer: body,
          });
        } catch (error) {
          exchange.abort('proxy_internal_error', error);
        }
      };
      const sendInTurn = (body: Readable, isLarge: boolean): void => {
        if (exchange.isOver) return;
        // Polls and bound calls have connections of their own.
        if (call.poll || call.isBound) {
          send(body, isLarge);
          return;
        }
        const shared = isLarge ? largeSlots : slots;
        resources.release = shared.acquire(call.owner, () => send(body, isLarge));
        if (!exchanges.has(exchange)) resources.release();
      };
      if (readBytes === 0 || !hasBody(request)) sendInTurn(request, false);
      else buffer.read(request, sendInTurn);
    },

    reserve: (client) => client.destroyed || bound.of(client) !== undefined,

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
      for (const exchange of ordinary.exchanges) {
        if (exchange.isWaiting) exchange.abort('destination_unavailable');
      }
    },

    async stop() {
      clearInterval(check);
      for (const { exchanges } of [ordinary, polls]) {
        for (const exchange of exchanges) exchange.abort('connection_terminated');
      }
      await Promise.all([
        ordinary.connections.close(),
        large.close(),
        polls.connections.close(),
        bound.close(),
      ]);
    },
  };
}

function createTrafficClass(
  options: PassThroughOptions,
  maxConnections: number,
): Pick<ExchangeResources, 'connections' | 'exchanges'> {
  return {
    connections: new PoolConnections({ ...options, maxConnections }),
    exchanges: new Set(),
  };
}

function createProxy(upstream: URL): InstanceType<typeof HttpProxy> {
  const proxy = new HttpProxy({
    // Only the protocol counts: the agent knows where to connect, outgoingRequest() what to ask for.
    target: { protocol: upstream.protocol, host: upstream.hostname },
    // Spares the client's target url.parse(), which throws on some.
    toProxy: true,
    ignorePath: true,
    prependPath: false,
    selfHandleResponse: true,
  });
  // Without a listener it throws. Exchanges listen to the same errors at their source.
  proxy.on('error', () => undefined);
  return proxy;
}
