/** A set of servers with a clock of its own, and a record of what the set reports. */
import type { Loan, Server, ServerRequest } from '../../../src/core/servers/server.ts';
import { ServerSet } from '../../../src/core/servers/server-set.ts';

export interface WorldOptions {
  readonly servers?: number;
  readonly fallback?: number;
  readonly hasChecks?: boolean;
}

const names = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `http://${prefix}${index}`);

export class World {
  readonly set: ServerSet;
  nowMs = 1_000_000;
  /** The reports of the set, in words. */
  readonly log: string[] = [];
  readonly lost: Array<{ readonly request: ServerRequest; readonly isDead: boolean }> = [];
  #users = 0;

  constructor({ servers = 3, fallback = 0, hasChecks = false }: WorldOptions = {}) {
    const options = {
      servers: names(servers, 's'),
      fallback: names(fallback, 'f'),
      hasChecks,
      random: () => 0.5,
    };
    this.set = new ServerSet(
      options,
      {
        ejected: ({ origin }, reason) => this.log.push(`${origin.slice(7)} out: ${reason}`),
        returned: ({ origin }) => this.log.push(`${origin.slice(7)} back`),
        tierChanged: (tier) => this.log.push(`tier: ${tier}`),
        lost: (requests, isDead) =>
          this.lost.push(...requests.map((request) => ({ request, isDead }))),
        suspected: ({ origin }) => this.log.push(`${origin.slice(7)} suspect`),
      },
      this.nowMs,
    );
  }

  server(index: number): Server {
    return this.set.servers[index]!;
  }

  /** A GET of a new user, unless the fields say otherwise. */
  request(fields: Partial<ServerRequest> = {}): ServerRequest {
    this.#users += 1;
    const user = `user ${this.#users}`;
    return { user, isSafe: true, isRetry: false, isPoll: false, lost: () => undefined, ...fields };
  }

  take(fields: Partial<ServerRequest> = {}, tried?: ReadonlySet<Server>): Loan {
    return this.set.take(this.request(fields), this.nowMs, tried)!;
  }

  /** A request that exactly this server gets. */
  takeOn(index: number, fields: Partial<ServerRequest> = {}): Loan {
    const others = this.set.servers.filter((_, other) => other !== index);
    return this.take(fields, new Set(others));
  }

  answer(loan: Loan, isAvailable = true): void {
    this.set.answered(loan, isAvailable, this.nowMs);
    this.set.ended(loan);
  }

  fail(loan: Loan, failure: 'connect' | 'reset'): void {
    this.set.failed(loan, failure, this.nowMs);
    this.set.ended(loan);
  }

  /** Lets time pass, with a tick each 100 ms, and calls `each` after each tick. */
  pass(ms: number, each: () => void = () => undefined): void {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      this.nowMs += 100;
      this.set.tick(this.nowMs);
      each();
    }
  }

  eject(index: number): void {
    for (let n = 0; n < 2; n += 1) this.fail(this.takeOn(index), 'connect');
  }
}
