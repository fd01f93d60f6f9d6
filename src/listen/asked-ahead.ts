/**
 * Sends the GETs that the proxy asks for before the client does, and gives their answers to the client
 * (docs/event-priming.md). The core decides.
 */
import { type HeadFacts, readHead } from '../core/admit/request-head.ts';
import { assertSameQuestion } from '../core/invariants.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import type { Reply } from '../core/messages/reply.ts';
import { AskAhead } from '../core/priming/ask-ahead.ts';
import type { ChannelName, Relation } from '../core/priming/channel.ts';
import type { DueGets } from '../core/priming/due-gets.ts';
import {
  PrimedAnswers,
  type PrimedGet,
  type PrimedOutcome,
  type Question,
} from '../core/priming/primed-answers.ts';
import type { Sample } from '../core/priming/samples.ts';
import { sharedHeadersOf } from '../core/schedule/order/deduplication.ts';
import type { Arrival, Call } from '../core/schedule/state.ts';
import { classify, type ClassifyRules } from '../core/ucwa/classify.ts';
import type { Change } from '../core/ucwa/event-changes.ts';
import type { Caller } from '../engine/caller.ts';
import type { Clock } from '../engine/clock.ts';
import type { Engine } from '../engine/engine.ts';
import type { ClientExchange } from './client-exchange.ts';
import { partOverheadBytes } from './part-overhead.ts';
import { PrimedCaller } from './primed-caller.ts';
import type { ResponseCaller } from './response-caller.ts';

export interface AskedAheadParts {
  readonly clock: Clock;
  readonly dueGets: DueGets;
  readonly engine: Pick<Engine, 'submit' | 'cancel' | 'spareRoom'>;
  readonly rules: ClassifyRules;
  /** Limit for the bytes of all answers that no client has asked for yet. The heads of samples have half of it more. */
  readonly maxBytes: number;
  readonly observer: {
    primed(outcome: PrimedOutcome): void;
    internalError(error: unknown): void;
  };
}

/** A client that waits for an answer that the proxy asked for. */
interface Waiter {
  readonly arrival: Arrival<ResponseCaller>;
  /** Submits the call to the engine. */
  readonly submit: () => void;
}

const maxBytesEach = 262_144;
const noBody = Buffer.alloc(0);

export class AskedAhead {
  readonly #parts: AskedAheadParts;
  readonly #answers: PrimedAnswers<Waiter>;
  readonly #ahead: AskAhead<Waiter>;
  readonly #calls = new WeakMap<PrimedGet<Waiter>, Call<Caller>>();
  /** The fields that shape an answer, for each list of fields. Calls of one client mostly share a list. */
  readonly #fields = new WeakMap<RawHeaders, string>();
  #isStopped = false;
  #wakeAtMs = Infinity;
  #cancelTimer: () => void = () => undefined;

  constructor(parts: AskedAheadParts) {
    this.#parts = parts;
    const limits = { maxEach: 128, max: 8192, maxBytesEach, maxBytes: parts.maxBytes };
    this.#answers = new PrimedAnswers(limits, {
      answer: (waiter, reply) => this.#answer(waiter, reply),
      sendOn: (waiter) => this.#sendOn(waiter),
      over: (get, outcome) => this.#over(get, outcome),
    });
    const sink = {
      spareRoom: (user: string) => parts.engine.spareRoom(user),
      send: (gets: ReadonlyArray<{ get: PrimedGet<Waiter>; sample: Sample }>) => {
        for (const { get, sample } of gets) this.#send(get, sample);
      },
    };
    this.#ahead = new AskAhead(parts.dueGets, this.#answers, sink, parts.maxBytes / 2);
  }

  /** An answer of the event channel is about to reach the client. */
  changed(
    channel: ChannelName,
    changes: readonly Change[],
    named: ReadonlyMap<string, Relation>,
    nowMs: number,
  ): void {
    if (!this.#isStopped) this.#ahead.changed(channel, changes, named, nowMs);
    this.#setTimer();
  }

  /** An answer of the event channel was not read, so any resource of the user may have changed. */
  unread(user: string): void {
    this.#answers.outdate(user);
    this.#setTimer();
  }

  /**
   * A client sends a GET. Returns whether the GET is answered, or waits for an answer, without a call of its own.
   *
   * @param relation of the resource, if an event named it
   * @param submit submits the call to the engine
   */
  takes(
    exchange: ClientExchange,
    arrival: Arrival<ResponseCaller>,
    relation: Relation | undefined,
    submit: () => void,
  ): boolean {
    const { key, target, headers, caller, collapsible } = arrival;
    if (!collapsible || exchange.head.facts.ucwaBatch !== undefined) return false;
    if (relation === undefined && this.#answers.size === 0) return false;
    const question: Question = { key, target, fields: this.#fieldsOf(headers) };
    const nowMs = this.#parts.clock.now();
    if (relation !== undefined && !this.#isStopped) {
      this.#ahead.asked(relation, { key, headers, fields: question.fields }, nowMs);
      this.#setTimer();
    }
    const waiter: Waiter = { arrival, submit };
    caller.isPrimed = true;
    const get = this.#answers.take(question, waiter, nowMs);
    caller.isPrimed = get !== undefined;
    if (get?.waiter === waiter) {
      exchange.addRelease(() => {
        if (get.waiter === waiter) this.#answers.left(get);
      });
    }
    return get !== undefined;
  }

  /** To be called with each poll of the event channel. */
  polls(exchange: ClientExchange, channel: ChannelName): void {
    const { samples } = this.#ahead;
    samples.pollBegan(channel);
    this.#setTimer();
    exchange.addRelease(() => {
      const { isAnswered, response } = exchange;
      // The application or its credential has ended.
      const isOver = isAnswered && response.statusCode >= 400 && response.statusCode < 500;
      samples.pollEnded(channel, isOver, this.#parts.clock.now());
      this.#setTimer();
    });
  }

  /** To be called before a write of the user is sent. */
  writeBegan(exchange: ClientExchange, user: string): void {
    this.#answers.writeBegan(user);
    exchange.addRelease(() => {
      // After a 5xx, of the pool or of the proxy, the write may go on running at the pool.
      const hasEnded = exchange.isAnswered && exchange.response.statusCode < 500;
      this.#answers.writeEnded(user, hasEnded, this.#parts.clock.now());
    });
  }

  /** Asks no more. GETs that wait are sent as always. To be called while the engine still sends calls. */
  stop(): void {
    this.#isStopped = true;
    this.#answers.endAll();
    this.#ahead.samples.dropAll();
    this.#setTimer();
  }

  #fieldsOf(headers: RawHeaders): string {
    const known = this.#fields.get(headers);
    if (known !== undefined) return known;
    const fields = sharedHeadersOf(headers);
    this.#fields.set(headers, fields);
    return fields;
  }

  #send(get: PrimedGet<Waiter>, { key, headers }: Sample): void {
    const { target } = get.question;
    const facts: HeadFacts = readHead(headers);
    const { rules, engine } = this.#parts;
    const head = { method: 'GET', target, httpVersion: '1.1', headers };
    const classified = classify(head, target, facts, rules, key.applicationPath);
    const arrived = (reply: Reply | undefined): void =>
      this.#answers.arrived(get, reply, this.#parts.clock.now());
    const isInside =
      classified.kind === 'batchable' && classified.applicationPath === key.applicationPath;
    if (!isInside) {
      arrived(undefined);
      return;
    }
    const call = engine.submit({
      key,
      callClass: 'safe',
      resource: classified.resource,
      collapsible: true,
      method: 'GET',
      target,
      headers,
      body: noBody,
      sizeBytes: facts.bytes + target.length + partOverheadBytes,
      caller: new PrimedCaller(maxBytesEach, arrived),
    });
    if (typeof call === 'string') arrived(undefined);
    else this.#calls.set(get, call);
  }

  #answer({ arrival }: Waiter, reply: Reply): void {
    const { caller } = arrival;
    try {
      if (reply.asked !== undefined) assertSameQuestion(reply.asked, arrival);
      caller.answer(reply);
    } catch (error) {
      this.#parts.observer.internalError(error);
      caller.cut();
    }
  }

  /** The end of a primed call may come from inside of the engine, which is not reentrant. */
  #sendOn({ arrival: { caller }, submit }: Waiter): void {
    queueMicrotask(() => {
      if (caller.exchange.isOver) return;
      caller.isPrimed = false;
      submit();
    });
  }

  #over(get: PrimedGet<Waiter>, outcome: PrimedOutcome): void {
    this.#parts.observer.primed(outcome);
    this.#ahead.over(get, outcome);
    const call = this.#calls.get(get);
    if (call !== undefined) this.#parts.engine.cancel(call);
  }

  #setTimer(): void {
    const { clock } = this.#parts;
    const nextAtMs = Math.min(this.#answers.nextAtMs, this.#ahead.samples.nextAtMs);
    if (nextAtMs === this.#wakeAtMs) return;
    this.#cancelTimer();
    this.#wakeAtMs = nextAtMs;
    if (nextAtMs === Infinity) return;
    this.#cancelTimer = clock.setTimer(nextAtMs, () => {
      this.#wakeAtMs = Infinity;
      this.#answers.wake(clock.now());
      this.#ahead.samples.wake(clock.now());
      this.#setTimer();
    });
  }
}
