/**
 * Delays answers of event channels that name an operation until the POST of the operation is answered
 * (docs/decisions/019-events-after-their-201.md). The core decides. This file gives it the time, the text of the
 * answers, and the ends of the exchanges.
 */
import { EventHolds, type HoldOutcome, type Operation } from '../core/events/event-holds.ts';
import { headerValue, type RawHeaders } from '../core/messages/http-message.ts';
import { callClassOf } from '../core/ucwa/call-class.ts';
import { applicationOf } from '../core/ucwa/classify.ts';
import { readEventNames, resourcePath } from '../core/ucwa/event-names.ts';
import { operationIdsOf } from '../core/ucwa/operation-ids.ts';
import type { Clock } from '../engine/clock.ts';
import type { AnswerGate, AnswerReader } from '../pass-through/answer-gate.ts';
import type { ClientExchange } from './client-exchange.ts';
import { answerText } from './coded-body.ts';

export interface HeldEventsParts {
  readonly clock: Clock;
  /** Limit for the buffered bytes of all answers, and of all bodies in which ids are looked for. */
  readonly maxBytes: number;
  readonly observer: {
    eventsHeld(outcome: HoldOutcome): void;
    internalError(error: unknown): void;
  };
}

/** Limit for the buffered bytes of one answer. */
const maxBytesEach = 262_144;
/** Limit for the bytes of a passed-through POST in which the ids of the operation are looked for. */
const maxSearchedBytes = 65_536;

const noBody = Buffer.alloc(0);

export class HeldEvents {
  readonly #parts: HeldEventsParts;
  readonly #holds: EventHolds<() => void>;
  #bytes = 0;
  #isStopped = false;
  #wakeAtMs = Infinity;
  #cancelTimer: () => void = () => undefined;

  constructor(parts: HeldEventsParts) {
    this.#parts = parts;
    this.#holds = new EventHolds({
      // The end of a POST may come from inside of the engine, which is not reentrant.
      release: (release) => queueMicrotask(release),
      ended: (outcome) => parts.observer.eventsHeld(outcome),
    });
  }

  /**
   * To be called before a POST that starts an operation is sent, with its whole body.
   *
   * @param isSent returns whether the POST may have left for the pool
   */
  begin(exchange: ClientExchange, target: string, body: Buffer, isSent: () => boolean): void {
    this.#begin(exchange, target, body, isSent);
  }

  /**
   * To be called before a write passes through. It starts an operation if its target says so. The ids of the
   * operation are looked for in the body as the body arrives.
   */
  beginPassing(exchange: ClientExchange, target: string): void {
    const { request } = exchange;
    const resource = resourcePath(target) ?? '';
    if (callClassOf(request.method ?? '', target, resource, noBody) !== 'operation') return;
    const operation = this.#begin(exchange, target, undefined, () => true);
    if (operation === undefined) return;
    let chunks: Buffer[] = [];
    let bytes = 0;
    let isWhole = true;
    const free = (): void => {
      this.#bytes -= bytes;
      bytes = 0;
      chunks = [];
    };
    request.on('data', (chunk: Buffer) => {
      const more = chunk.length;
      isWhole &&= bytes + more <= maxSearchedBytes && this.#bytes + more <= this.#parts.maxBytes;
      if (!isWhole) return;
      bytes += more;
      this.#bytes += more;
      chunks.push(Buffer.from(chunk));
    });
    request.on('end', () => {
      for (const id of operationIdsOf('', Buffer.concat(chunks).toString())) operation.ids.add(id);
      operation.hasAllIds = isWhole;
      free();
    });
    exchange.addRelease(() => {
      // The body may go on after the answer.
      isWhole = false;
      free();
    });
  }

  #begin(
    exchange: ClientExchange,
    target: string,
    body: Buffer | undefined,
    isSent: () => boolean,
  ): Operation<() => void> | undefined {
    const channel = channelOf(exchange, target);
    if (channel === undefined || this.#isStopped) return undefined;
    const { request } = exchange;
    const operation = this.#holds.begin({
      channel,
      connection: request.socket,
      path: resourcePath(target),
      ids: operationIdsOf(target, body?.toString() ?? ''),
      hasAllIds: body !== undefined,
      isSent,
    });
    exchange.operation = {
      answered: (status, fields) => {
        const isSuccess = status >= 200 && status < 300;
        const location = isSuccess ? headerValue(fields, 'location') : undefined;
        const path = location === undefined ? undefined : resourcePath(location);
        this.#guarded(() => this.#holds.answered(operation, path));
      },
    };
    exchange.addRelease(() => this.#guarded(() => this.#holds.over(operation)));
    return operation;
  }

  /** Returns the gate for the answer to a poll; `undefined` if the poll belongs to no known user. */
  gate(exchange: ClientExchange, target: string): AnswerGate | undefined {
    if (exchange.head.user === '') return undefined;
    return {
      arrived: (fields, release) => {
        if (this.#holds.isIdle) return undefined;
        const channel = channelOf(exchange, target);
        if (channel === undefined) return undefined;
        return this.#arrived(exchange, channel, target, fields, release);
      },
    };
  }

  /** Releases all answers, and holds no more. To be called at the end of a shutdown, after the calls have ended. */
  stop(): void {
    this.#isStopped = true;
    this.#guarded(() => this.#holds.releaseAll());
  }

  #arrived(
    exchange: ClientExchange,
    channel: string,
    target: string,
    fields: RawHeaders,
    release: () => void,
  ): AnswerReader | undefined {
    const { clock } = this.#parts;
    const chain = /[?&]instanceid=([^&#]*)/i.exec(target)?.[1] ?? '';
    const { socket: connection } = exchange.request;
    const arrival = { channel, chain, connection, owner: release };
    const held = this.#guarded(() => this.#holds.arrived(arrival, clock.now()));
    if (held === undefined) return undefined;
    let bytes = 0;
    // The client may read a released answer slowly.
    exchange.addRelease(() => (this.#bytes -= bytes));
    const read = (text: string | undefined): void => {
      const names = text === undefined ? undefined : readEventNames(text);
      this.#holds.read(held, names, clock.now());
    };
    return {
      take: (more) => {
        bytes += more;
        this.#bytes += more;
        if (bytes <= maxBytesEach && this.#bytes <= this.#parts.maxBytes) return true;
        this.#guarded(() => read(undefined));
        return false;
      },
      end: (body) => this.#guarded(() => read(answerText(fields, body))),
      abandon: () => this.#guarded(() => this.#holds.abandon(held)),
    };
  }

  /** Runs `act`, and sets the timer for the next wake-up. Reports an exception. */
  #guarded<R>(act: () => R): R | undefined {
    try {
      return act();
    } catch (error) {
      this.#parts.observer.internalError(error);
      return undefined;
    } finally {
      this.#setTimer();
    }
  }

  #setTimer(): void {
    const nextAtMs = this.#isStopped ? Infinity : this.#holds.nextAtMs;
    if (nextAtMs === this.#wakeAtMs) return;
    this.#cancelTimer();
    this.#wakeAtMs = nextAtMs;
    if (nextAtMs === Infinity) return;
    this.#cancelTimer = this.#parts.clock.setTimer(nextAtMs, () => {
      this.#wakeAtMs = Infinity;
      this.#guarded(() => this.#holds.wake(this.#parts.clock.now()));
    });
  }
}

/** Returns the name of the user and its application. */
function channelOf({ head }: ClientExchange, target: string): string | undefined {
  const application = applicationOf(target);
  if (head.user === '' || application === undefined) return undefined;
  return `${head.user}\n${application}`;
}
