/**
 * Active checks of the servers of a pool. Each check opens a connection of its own and closes it again. It carries
 * no credential, and follows no redirect. A server passes if it accepts a TCP connection on `tcpPort`, and answers
 * a GET of `path`. After a failure the next check follows at once.
 */
import { connect } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import { Client } from 'undici';
import type { Server } from '../../core/servers/server.ts';
import { poolConnector, type PoolTls } from '../pool-connector.ts';
import type { PoolServers } from './pool-servers.ts';

export interface HealthCheckOptions {
  /** Port that must accept connections. Front ends of Skype for Business are up if port 5061 is. */
  readonly tcpPort?: number | undefined;
  /** Path of a GET on the server. */
  readonly path?: string | undefined;
  readonly intervalMs: number;
  /** Returns the value of the field `Host` of the GET. */
  readonly authority: () => string;
  readonly tls: () => PoolTls;
}

/** Share of the interval that a check may take. */
const limitShare = 1 / 2;
const maxLimitMs = 5000;

/** Whether the status comes from a server that works. A path behind a sign-in is answered with 401 or 403. */
function isAlive(status: number): boolean {
  return (status >= 200 && status < 400) || status === 401 || status === 403;
}

export class HealthChecks {
  readonly #servers: PoolServers;
  readonly #options: HealthCheckOptions;
  readonly #limitMs: number;
  readonly #timers = new Map<Server, NodeJS.Timeout>();
  readonly #running = new Set<Server>();
  /** Ends a running check. */
  readonly #ends = new Set<() => void>();
  #isStopped = false;

  constructor(servers: PoolServers, options: HealthCheckOptions) {
    this.#servers = servers;
    this.#options = options;
    this.#limitMs = Math.min(options.intervalMs * limitShare, maxLimitMs);
    // The first checks are spread over the interval.
    for (const server of servers.set.servers) this.#schedule(server, Math.random());
    servers.onAdded.push((server) => this.#schedule(server, 0));
    servers.onSuspected.push((server) => this.#check(server));
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const end of [...this.#ends]) end();
  }

  /** @param intervals time until the check, in intervals */
  #schedule(server: Server, intervals: number): void {
    clearTimeout(this.#timers.get(server));
    this.#timers.delete(server);
    if (this.#isStopped || server.isRemoved) return;
    const delayMs = intervals * this.#options.intervalMs;
    this.#timers.set(server, setTimeout(() => this.#check(server), delayMs).unref());
  }

  #check(server: Server): void {
    if (this.#isStopped || server.isRemoved || this.#running.has(server)) return;
    this.#running.add(server);
    void this.#passes(server).then((isPassed) => {
      this.#running.delete(server);
      if (this.#isStopped) return;
      const hasPath = this.#options.path !== undefined;
      this.#servers.set.checked(server, isPassed, hasPath, performance.now());
      const isFirstFailure = server.isActive && server.checkFailures > 0;
      this.#schedule(server, isFirstFailure ? 0 : 0.9 + 0.2 * Math.random());
    });
  }

  async #passes({ origin }: Server): Promise<boolean> {
    const { tcpPort, path } = this.#options;
    const [accepts, answers] = await Promise.all([
      tcpPort === undefined || this.#accepts(origin, tcpPort),
      path === undefined || this.#answers(origin, path),
    ]);
    return accepts && answers;
  }

  #accepts(origin: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
      const { hostname } = urlToHttpOptions(new URL(origin));
      const socket = connect({ host: hostname ?? '', port });
      const end = (isPassed: boolean): void => {
        clearTimeout(timer);
        this.#ends.delete(fail);
        socket.destroy();
        resolve(isPassed);
      };
      const fail = (): void => end(false);
      const timer = setTimeout(fail, this.#limitMs);
      this.#ends.add(fail);
      socket.once('connect', () => end(true));
      socket.on('error', fail);
    });
  }

  async #answers(origin: string, path: string): Promise<boolean> {
    const { authority, tls } = this.#options;
    const client = new Client(origin, { connect: poolConnector(this.#limitMs, tls) });
    const end = (): void => void client.destroy();
    const timer = setTimeout(end, this.#limitMs);
    this.#ends.add(end);
    try {
      const headers = ['Host', authority(), 'User-Agent', 'ucwa-batch-proxy'];
      const { statusCode, body } = await client.request({ method: 'GET', path, headers });
      body.on('error', () => undefined);
      return isAlive(statusCode);
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      this.#ends.delete(end);
      end();
    }
  }
}
