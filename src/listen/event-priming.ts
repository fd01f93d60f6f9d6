/**
 * Reads the answers of event channels, so that the scheduler knows which GETs will follow
 * (docs/event-priming.md). The core decides. This file gives it the time, the text of the answers, and the GETs.
 */
import type { RawHeaders } from '../core/messages/http-message.ts';
import type { ChannelName } from '../core/priming/channel.ts';
import type { DueGets } from '../core/priming/due-gets.ts';
import type { Arrival } from '../core/schedule/state.ts';
import { applicationOf } from '../core/ucwa/classify.ts';
import { changesIn } from '../core/ucwa/event-changes.ts';
import type { Clock } from '../engine/clock.ts';
import type { AnswerGate, AnswerReader } from '../pass-through/answer-gate.ts';
import type { AskedAhead } from './asked-ahead.ts';
import type { ClientExchange } from './client-exchange.ts';
import { answerText } from './coded-body.ts';
import type { ResponseCaller } from './response-caller.ts';

export interface EventPrimingParts {
  readonly clock: Clock;
  readonly dueGets: DueGets;
  /** Limit for the buffered bytes of all answers. */
  readonly maxBytes: number;
  readonly observer: { internalError(error: unknown): void };
  /** `undefined`: the proxy asks for nothing itself. */
  readonly ahead: AskedAhead | undefined;
  /** Whether the proxy may ask now. Answers that it has are used, and outdated, in any case. */
  readonly asks: { readonly isOn: boolean };
}

/** Limit for the buffered bytes of one answer. */
const maxBytesEach = 262_144;
/** Limit for the time from the head of an answer to its end, in ms. A slower answer is not read. */
const maxReadMs = 50;

export class EventPriming {
  readonly #parts: EventPrimingParts;
  #bytes = 0;

  constructor(parts: EventPrimingParts) {
    this.#parts = parts;
  }

  /**
   * Returns a gate that reads the answer to a poll.
   *
   * @param inner decides too how long the answer waits
   */
  gate(
    exchange: ClientExchange,
    target: string,
    inner: AnswerGate | undefined,
  ): AnswerGate | undefined {
    const application = applicationOf(target);
    const { user } = exchange.head;
    if (user === '' || application === undefined) return inner;
    const channel = { user, applicationPath: application };
    this.#parts.ahead?.polls(exchange, channel);
    return {
      arrived: (fields, release) => {
        let isRead = false;
        const read = (text: string): void => {
          isRead = this.#changed(channel, text);
        };
        const released = (): void => {
          if (!isRead) this.#parts.ahead?.unread(user);
          release();
        };
        const held = inner?.arrived(fields, released);
        if (held !== undefined) return this.#reading(held, fields, read);
        const { reader, releaseSoon } = this.#briefly(released);
        return this.#reading(reader, fields, read, releaseSoon);
      },
    };
  }

  /** To be called with each request that may reach the pool. */
  began(exchange: ClientExchange): void {
    const { ahead } = this.#parts;
    const { user } = exchange.head;
    if (ahead !== undefined && user !== '' && exchange.isWrite) ahead.writeBegan(exchange, user);
  }

  /**
   * To be called before a call is submitted to the engine. Returns whether the call must not be submitted, because
   * it is answered, or waits for an answer that the proxy asked for before.
   *
   * @param submit submits the call if that answer does not come
   */
  takes(exchange: ClientExchange, arrival: Arrival<ResponseCaller>, submit: () => void): boolean {
    const { dueGets, clock, ahead } = this.#parts;
    const { method, key, target } = arrival;
    if (method !== 'GET') return false;
    const relation = dueGets.asked(key, target, clock.now());
    return ahead?.takes(exchange, arrival, relation, submit) === true;
  }

  /** The proxy asks for nothing more. To be called when the drain begins. */
  stop(): void {
    this.#parts.ahead?.stop();
  }

  /** Returns whether all changes in the text are known. */
  #changed(channel: ChannelName, text: string): boolean {
    const { dueGets, clock, ahead, asks } = this.#parts;
    const nowMs = clock.now();
    const changes = changesIn(text);
    if (changes === undefined) return false;
    const named = dueGets.changed(channel.user, channel.applicationPath, changes, nowMs);
    ahead?.changed(channel, changes, asks.isOn ? named : new Map(), nowMs);
    return true;
  }

  /**
   * Reads the answer to its end. `held` decides when the answer is released.
   *
   * @param tooLong called when the answer is not read any more
   */
  #reading(
    held: AnswerReader,
    fields: RawHeaders,
    read: (text: string) => void,
    tooLong?: () => void,
  ): AnswerReader {
    let bytes = 0;
    let isReadable = true;
    return {
      take: (more) => {
        bytes += more;
        this.#bytes += more;
        isReadable &&= bytes <= maxBytesEach && this.#bytes <= this.#parts.maxBytes;
        const goesOn = held.take(more);
        if (isReadable || tooLong === undefined) return goesOn;
        tooLong();
        return false;
      },
      end: (body) => {
        if (isReadable) this.#guarded(() => read(answerText(fields, body) ?? ''));
        held.end(body);
      },
      abandon: () => {
        this.#bytes -= bytes;
        bytes = 0;
        held.abandon();
      },
    };
  }

  /**
   * Returns a reader that releases the answer once: at its end, after `maxReadMs`, or soon after `releaseSoon` was
   * called.
   */
  #briefly(release: () => void): {
    readonly reader: AnswerReader;
    readonly releaseSoon: () => void;
  } {
    const { clock } = this.#parts;
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      abandon();
      release();
    };
    const cancel = clock.setTimer(clock.now() + maxReadMs, end);
    const abandon = (): void => {
      isOver = true;
      cancel();
    };
    return { reader: { take: () => true, end, abandon }, releaseSoon: () => queueMicrotask(end) };
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#parts.observer.internalError(error);
    }
  }
}
