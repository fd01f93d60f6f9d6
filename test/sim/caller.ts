/** A client with one connection. It asks, waits, checks the answer and asks again. */
import type { PlannedCall } from '../failures/chaos/calls.ts';
import type { Checker } from '../failures/chaos/checker.ts';
import { judge, type CallOutcome, type Expected } from '../failures/chaos/outcome.ts';
import { readMessage } from '../failures/chaos/read-message.ts';
import type { EventLog } from './event-log.ts';
import type { MemoryNetwork } from './network/memory-network.ts';
import type { MemorySocket } from './network/memory-socket.ts';
import type { WriteOrder } from './write-order.ts';

export interface CallerParts {
  /** Returns the next call of that user. */
  readonly plan: (user: number, random: () => number) => PlannedCall;
  /** Whether the proxy may close connections, because it stops. */
  readonly isStopping: () => boolean;
  readonly network: MemoryNetwork;
  readonly port: number;
  readonly checker: Checker;
  readonly order: WriteOrder;
  readonly log: EventLog;
  readonly random: () => number;
  readonly leaveShare: number;
  readonly maxPauseMs: number;
  /** A call without an answer after this time counts as unanswered. */
  readonly maxAnswerMs: number;
  /** Learns the status of each answer. */
  readonly answered: (status: number) => void;
}

interface Asked {
  readonly call: number;
  readonly expected: Expected;
  readonly line: string;
  leaving: NodeJS.Timeout | undefined;
  readonly overdue: NodeJS.Timeout;
}

export class Caller {
  readonly #with: CallerParts;
  readonly #user: number;
  readonly #place: number;
  #socket: MemorySocket | undefined;
  #received = '';
  #asked: Asked | undefined;
  #wantsMore: () => boolean = () => false;
  #done: () => void = () => undefined;

  /** @param place the last number of its address; callers of a user with one address can share batches */
  constructor(user: number, place: number, parts: CallerParts) {
    this.#user = user;
    this.#place = place;
    this.#with = parts;
  }

  run(wantsMore: () => boolean): Promise<void> {
    this.#wantsMore = wantsMore;
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#next();
    });
  }

  /** Leaves the call that is under way. */
  leave(): void {
    this.#end('left', 0);
  }

  disconnect(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#received = '';
  }

  #next(): void {
    if (!this.#wantsMore()) this.#done();
    else this.#ask((this.#socket ??= this.#connect()));
  }

  #ask(socket: MemorySocket): void {
    const { checker, random, leaveShare, maxAnswerMs, network, order } = this.#with;
    const planned = this.#with.plan(this.#user, random);
    const call = checker.issue(planned.kind, this.#user);
    const { bytes: plain, expected } = planned.request(call);
    // Without an id of the client, the proxy gives one with a number that grows from run to run.
    const bytes = plain.replace('\r\n', `\r\nX-Request-Id: c${call}\r\n`);
    const line = bytes.slice(0, bytes.indexOf(' HTTP'));
    this.#asked = {
      call,
      expected,
      line,
      leaving: undefined,
      overdue: setTimeout(() => this.#unanswered(`nothing in ${maxAnswerMs} ms`), maxAnswerMs),
    };
    if (random() < leaveShare) {
      const leavesAfterMs = random() * 40;
      this.#asked.leaving = setTimeout(() => this.#end('left', 0), leavesAfterMs);
    }
    const connection = network.connectionOf(socket);
    const end = connection.delivered + bytes.length;
    const writes = order.isOrdered(line);
    connection.onDelivered = () => {
      if (connection.delivered < end) return;
      connection.onDelivered = undefined;
      if (writes) order.arrived(this.#user, line, call);
    };
    socket.write(bytes, 'latin1');
  }

  #connect(): MemorySocket {
    const { network, port } = this.#with;
    const localAddress = `10.0.${this.#user}.${this.#place}`;
    const socket = network.connect({ port, localAddress });
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      if (socket === this.#socket) this.#receive(chunk);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (socket === this.#socket) this.#lost(network.connectionOf(socket).isFaulty);
    });
    return socket;
  }

  #lost(isFaulty: boolean): void {
    if (this.#asked === undefined) this.disconnect();
    else if (isFaulty || this.#with.isStopping()) this.#end('left', 0);
    else if (readMessage(this.#received) === 'nothing') this.#unanswered('its connection closed');
    else this.#end('brokenOff', 0);
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const { checker, answered } = this.#with;
    if (this.#asked === undefined) {
      checker.violation(`an answer without a call: ${this.#received.slice(0, 200)}`);
      this.disconnect();
      return;
    }
    const message = readMessage(this.#received);
    if (typeof message === 'string') return;
    if (this.#received.length > message.length) {
      checker.violation(`call ${this.#asked.call} got more than one answer`);
    }
    this.#received = '';
    const isFaulty =
      this.#socket !== undefined && this.#with.network.connectionOf(this.#socket).isFaulty;
    if (isFaulty && message.status === 400 && message.body.includes('refused-malformed')) {
      // The connection ended in the middle of the request.
      this.#end('left', 400);
      return;
    }
    if (message.status === 409 && isPoll(this.#asked.line)) {
      // Another poll of the application took over.
      answered(409);
      this.#end('poolError', 409, !message.closes);
      return;
    }
    const outcome = judge(message, this.#asked.expected, (what) => checker.violation(what));
    answered(message.status);
    this.#end(outcome, message.status, !message.closes);
  }

  #unanswered(why: string): void {
    const { call = -1, line = '' } = this.#asked ?? {};
    const isFaulty =
      this.#socket !== undefined && this.#with.network.connectionOf(this.#socket).isFaulty;
    // The answer to a poll can be lost on the way from the pool. The proxy waits for it without a limit.
    if (isFaulty || isPoll(line)) {
      this.#end('left', 0);
      return;
    }
    this.#with.checker.violation(`call ${call} (${line}, user ${this.#user}): ${why}`);
    this.#end('unanswered', 0);
  }

  #end(outcome: CallOutcome, status: number, keeps = false): void {
    const { checker, log, order, random, maxPauseMs } = this.#with;
    if (this.#asked === undefined) return;
    const { call, leaving, overdue } = this.#asked;
    this.#asked = undefined;
    clearTimeout(leaving);
    clearTimeout(overdue);
    log.add(`${performance.now()} call ${call} ${outcome} ${status}`);
    checker.settle(call, outcome);
    if (outcome === 'answered') order.answered(call);
    if (!keeps) this.disconnect();
    const pauseMs = random() < 0.5 ? 0 : random() * maxPauseMs;
    if (outcome === 'answered' && pauseMs === 0) this.#next();
    else setTimeout(() => this.#next(), pauseMs + 1);
  }
}

/** @param line the method and the target */
function isPoll(line: string): boolean {
  return line.includes('/events');
}
