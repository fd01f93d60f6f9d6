/**
 * Reads the answers of event channels, so that the scheduler knows which GETs will follow
 * (docs/event-priming.md). The core decides. This file gives it the time, the text of the answers, and the GETs.
 */
import type { RawHeaders } from '../core/messages/http-message.ts';
import type { DueGets } from '../core/priming/due-gets.ts';
import type { Arrival } from '../core/schedule/state.ts';
import { applicationOf } from '../core/ucwa/classify.ts';
import { changesIn } from '../core/ucwa/event-changes.ts';
import type { Clock } from '../engine/clock.ts';
import type { AnswerGate, AnswerReader } from '../pass-through/answer-gate.ts';
import type { ClientExchange } from './client-exchange.ts';
import { answerText } from './coded-body.ts';

export interface EventPrimingParts {
  readonly clock: Clock;
  readonly dueGets: DueGets;
  /** Limit for the buffered bytes of all answers. */
  readonly maxBytes: number;
  readonly observer: { internalError(error: unknown): void };
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
    { head }: ClientExchange,
    target: string,
    inner: AnswerGate | undefined,
  ): AnswerGate | undefined {
    const application = applicationOf(target);
    if (head.user === '' || application === undefined) return inner;
    return {
      arrived: (fields, release) => {
        const read = (text: string): void => this.#changed(head.user, application, text);
        const held = inner?.arrived(fields, release);
        return held === undefined
          ? this.#reading(this.#briefly(release), fields, read, release)
          : this.#reading(held, fields, read);
      },
    };
  }

  /** To be called before a GET is submitted to the engine. */
  asked({ method, key, target }: Pick<Arrival<unknown>, 'method' | 'key' | 'target'>): void {
    if (method === 'GET') this.#parts.dueGets.asked(key, target, this.#parts.clock.now());
  }

  #changed(user: string, application: string, text: string): void {
    const { dueGets, clock } = this.#parts;
    dueGets.changed(user, application, changesIn(text), clock.now());
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

  /** Returns a reader that releases the answer at its end, or after `maxReadMs`. */
  #briefly(release: () => void): AnswerReader {
    const { clock } = this.#parts;
    const cancel = clock.setTimer(clock.now() + maxReadMs, release);
    const end = (): void => {
      cancel();
      release();
    };
    return { take: () => true, end, abandon: cancel };
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#parts.observer.internalError(error);
    }
  }
}
