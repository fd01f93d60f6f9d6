/** Callers with one connection each. A caller asks, waits, checks the answer and asks again. */
import { connect, type Socket } from 'node:net';
import { planCall } from './calls.ts';
import type { Checker } from './checker.ts';
import { judge, type CallOutcome, type Expected } from './outcome.ts';
import { readMessage } from './read-message.ts';

/**
 * Bound of connections that are opened at a time. Node accepts few connections per turn of its
 * event loop. The kernel drops what overflows its queue, and the retry comes seconds later.
 */
const maxOpening = 8;

export interface LoadOptions {
  readonly port: number;
  readonly checker: Checker;
  /** At most 256. */
  readonly users: number;
  readonly callersPerUser: number;
  /**
   * Share of calls that the caller aborts within `leaveWithinMs`, unless the answer comes before.
   */
  readonly leaveShare: number;
  readonly leaveWithinMs: number;
  /** A call without an answer after this time counts as unanswered. */
  readonly maxAnswerMs: number;
  /** Time that a caller waits after an error before it asks again. */
  readonly afterErrorMs: number;
  readonly random: () => number;
}

export class Load {
  readonly #callers: Caller[] = [];
  readonly #watch: NodeJS.Timeout;
  /** The largest latency of an answer. */
  slowestMs = 0;

  constructor(options: LoadOptions) {
    const opening = new Gate(maxOpening);
    for (let i = 0; i < options.users * options.callersPerUser; i += 1) {
      this.#callers.push(new Caller(i % options.users, options, opening, (ms) => this.#took(ms)));
    }
    this.#watch = setInterval(() => {
      for (const caller of this.#callers) caller.giveUp(options.maxAnswerMs);
    }, 250);
  }

  /** Calls while `wantsMore` returns true. Resolves when every call has ended. */
  async run(wantsMore: () => boolean): Promise<void> {
    await Promise.all(this.#callers.map((caller) => caller.run(wantsMore)));
  }

  /** Closes the connections. The callers may run again. */
  disconnect(): void {
    for (const caller of this.#callers) caller.disconnect();
  }

  stop(): void {
    clearInterval(this.#watch);
    this.disconnect();
  }

  #took(ms: number): void {
    this.slowestMs = Math.max(this.slowestMs, ms);
  }
}

/** Lets at most that number of callers in at a time. */
class Gate {
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(places: number) {
    this.#free = places;
  }

  enter(then: () => void): void {
    if (this.#free === 0) {
      this.#waiting.push(then);
      return;
    }
    this.#free -= 1;
    then();
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

class Caller {
  readonly #user: number;
  readonly #options: LoadOptions;
  readonly #took: (ms: number) => void;
  readonly #opening: Gate;
  #socket: Socket | undefined;
  #received = '';
  /** Number of the call in flight, or -1. */
  #call = -1;
  #expected: Expected | undefined;
  #request = '';
  #sentAtMs = 0;
  #leaving: NodeJS.Timeout | undefined;
  #wantsMore: () => boolean = () => false;
  #done: () => void = () => undefined;

  constructor(user: number, options: LoadOptions, opening: Gate, took: (ms: number) => void) {
    this.#user = user;
    this.#opening = opening;
    this.#options = options;
    this.#took = took;
  }

  run(wantsMore: () => boolean): Promise<void> {
    this.#wantsMore = wantsMore;
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#next();
    });
  }

  giveUp(afterMs: number): void {
    if (this.#call === -1 || performance.now() - this.#sentAtMs < afterMs) return;
    this.#unanswered(`nothing in ${afterMs} ms`);
  }

  disconnect(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#received = '';
  }

  #next(): void {
    if (!this.#wantsMore()) {
      this.#done();
    } else if (this.#socket === undefined) {
      this.#opening.enter(() => {
        this.#socket = this.#connect();
        this.#ask(this.#socket);
      });
    } else {
      this.#ask(this.#socket);
    }
  }

  #ask(socket: Socket): void {
    const { checker, random, leaveShare, leaveWithinMs } = this.#options;
    const planned = planCall(this.#user, random);
    this.#call = checker.issue(planned.kind, this.#user);
    const { bytes, expected } = planned.request(this.#call);
    this.#expected = expected;
    this.#request = bytes;
    this.#sentAtMs = performance.now();
    socket.write(bytes, 'latin1');
    if (random() < leaveShare) {
      this.#leaving = setTimeout(() => this.#end('left'), random() * leaveWithinMs);
    }
  }

  #connect(): Socket {
    const socket = connect({ port: this.#options.port, host: '127.0.0.1', noDelay: true });
    let isOpening = true;
    const opened = (): void => {
      if (isOpening) this.#opening.leave();
      isOpening = false;
    };
    socket.setEncoding('latin1');
    socket.once('data', opened);
    socket.once('close', opened);
    socket.on('data', (chunk) => {
      if (socket === this.#socket) this.#receive(chunk.toString());
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (socket !== this.#socket) return;
      if (this.#call === -1) this.disconnect();
      else if (readMessage(this.#received) === 'nothing') this.#unanswered('its connection closed');
      else this.#end('brokenOff');
    });
    return socket;
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const { checker } = this.#options;
    if (this.#call === -1 || this.#expected === undefined) {
      checker.violation(`an answer without a call: ${this.#received.slice(0, 200)}`);
      this.disconnect();
      return;
    }
    const message = readMessage(this.#received);
    if (typeof message === 'string') return;
    if (this.#received.length > message.length) {
      checker.violation(`call ${this.#call} got more than one answer`);
    }
    this.#received = '';
    const outcome = judge(message, this.#expected, (what) => checker.violation(what));
    this.#took(performance.now() - this.#sentAtMs);
    this.#end(outcome, !message.closes);
  }

  #unanswered(why: string): void {
    const what = `${this.#request.split(' HTTP')[0] ?? ''}, user ${this.#user}`;
    const sentAt = new Date(performance.timeOrigin + this.#sentAtMs).toISOString();
    this.#options.checker.violation(`call ${this.#call} (${what}, at ${sentAt}): ${why}`);
    this.#end('unanswered');
  }

  #end(outcome: CallOutcome, keeps = false): void {
    clearTimeout(this.#leaving);
    this.#options.checker.settle(this.#call, outcome);
    this.#call = -1;
    this.#expected = undefined;
    if (!keeps) this.disconnect();
    if (outcome === 'answered') this.#next();
    else setTimeout(() => this.#next(), this.#options.afterErrorMs);
  }
}
