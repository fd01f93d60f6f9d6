/** Scripted servers of one pool, and an upstream in front of them. */
import type { Socket } from 'node:net';
import type { ExchangeHandler, ExchangeRequest, Exchange } from '../../../src/upstream/exchange.ts';
import { PoolServers } from '../../../src/upstream/servers/pool-servers.ts';
import { createServersUpstream } from '../../../src/upstream/servers/servers-upstream.ts';
import { onCleanup } from '../../support/cleanup.ts';
import { freePort } from '../../support/free-port.js';
import { type Script, startScriptedPool } from '../../support/scripted-pool.ts';

export const ok: Script = (_, socket) =>
  void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
export const silent: Script = () => undefined;
export const reset: Script = (_, socket) => void socket.resetAndDestroy();
export const unavailable: Script = (_, socket) =>
  void socket.write('HTTP/1.1 503 Down\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno');

/** An answer that the test sends when it likes. */
export function later(): { script: Script; answer(): void; readonly waiting: number } {
  const sockets: Socket[] = [];
  return {
    script: (_, socket) => void sockets.push(socket),
    answer() {
      for (const socket of sockets.splice(0)) ok('', socket);
    },
    get waiting() {
      return sockets.length;
    },
  };
}

export async function refusing(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

export interface Outcome {
  readonly status: number | undefined;
  readonly fault: string | undefined;
}

export interface Sent {
  readonly exchange: Exchange;
  readonly outcome: Promise<Outcome>;
}

export interface RigOptions {
  readonly maxConnections?: number;
  readonly fallback?: readonly string[];
  readonly hasChecks?: boolean;
}

export class Rig {
  readonly servers: PoolServers;
  readonly log: string[] = [];
  readonly #upstream: ReturnType<typeof createServersUpstream>;
  #users = 0;

  constructor(
    origins: readonly string[],
    { maxConnections = 8, fallback = [], hasChecks = false }: RigOptions = {},
  ) {
    const name = (origin: string): string => `s${[...origins, ...fallback].indexOf(origin)}`;
    this.servers = new PoolServers(
      { servers: origins, fallback, hasChecks },
      {
        ejected: (origin, reason) => this.log.push(`${name(origin)} out: ${reason}`),
        returned: (origin) => this.log.push(`${name(origin)} back`),
        tierChanged: (tier) => this.log.push(`tier: ${tier}`),
      },
    );
    this.#upstream = createServersUpstream(
      {
        maxConnections,
        connectTimeoutMs: 3000,
        idleTimeoutMs: 60_000,
        timeoutMs: 10_000,
        tls: () => ({}),
        observer: {
          unsolicited: () => this.log.push('unsolicited'),
          internalError: (error) => this.log.push(String(error)),
        },
        restMs: 0,
      },
      this.servers,
    );
    onCleanup(async () => {
      await this.#upstream.stop();
      this.servers.stop();
    });
  }

  get connections(): number {
    return this.#upstream.connections();
  }

  stop(): Promise<void> {
    return this.#upstream.stop();
  }

  /** A GET of a new user, unless the fields say otherwise. */
  send(fields: Partial<ExchangeRequest> = {}): Sent {
    this.#users += 1;
    const request: ExchangeRequest = {
      method: 'GET',
      target: '/',
      headers: ['Host', 'pool.example'],
      body: Buffer.alloc(0),
      user: { name: `user ${this.#users}` },
      isSafe: (fields.method ?? 'GET') === 'GET',
      isRetry: false,
      takeRepetition: () => true,
      ...fields,
    };
    let status: number | undefined;
    let settle: (outcome: Outcome) => void = () => undefined;
    const outcome = new Promise<Outcome>((resolve) => (settle = resolve));
    const handler: ExchangeHandler = {
      head: (code) => (status = code),
      data: () => undefined,
      end: () => settle({ status, fault: undefined }),
      fault: ({ phase, name }) => settle({ status, fault: `${phase} ${name}` }),
    };
    return { exchange: this.#upstream.send(request, handler), outcome };
  }

  ask(fields: Partial<ExchangeRequest> = {}): Promise<Outcome> {
    return this.send(fields).outcome;
  }
}

/** Starts a scripted server for each script. */
export function serve(...scripts: readonly Script[]) {
  return Promise.all(scripts.map((script) => startScriptedPool(script)));
}
