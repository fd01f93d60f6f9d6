/**
 * Asks for resources before the client does (`batching.eventPriming: ask`). The share of use of the relation must be
 * proved, the budget of waste must allow it, and the user must be far from its limit. `PrimedAnswers` gives the
 * answers to the GETs of the client.
 */
import type { RawHeaders } from '../messages/http-message.ts';
import type { BatchKey } from '../ucwa/batch-key.ts';
import type { Change } from '../ucwa/event-changes.ts';
import type { Relation } from './channel.ts';
import type { DueGets } from './due-gets.ts';
import type { PrimedAnswers, PrimedGet, PrimedOutcome, Question } from './primed-answers.ts';
import { WasteBudget } from './waste-budget.ts';

/** The proxy asks if the lower bound of the share is above this number. */
const provedShare = 0.9;
/** Answers in vain that the process can save up. */
const maxWasted = 4000;

/** The last GET of a relation. The proxy asks in the same way. */
export interface Sample {
  readonly key: BatchKey;
  readonly headers: RawHeaders;
  readonly fields: string;
}

export interface AskAheadSink<W> {
  /** Returns how many more calls keep the user far from its limit. */
  spareRoom(user: string): number;
  /** Sends the GETs, which share a batch. */
  send(gets: ReadonlyArray<{ readonly get: PrimedGet<W>; readonly sample: Sample }>): void;
}

export class AskAhead<W> {
  readonly #dueGets: DueGets;
  readonly #answers: PrimedAnswers<W>;
  readonly #sink: AskAheadSink<W>;
  readonly #samples = new WeakMap<Relation, Sample>();
  readonly #relations = new WeakMap<PrimedGet<W>, Relation>();
  readonly #budget = new WasteBudget(maxWasted);

  constructor(dueGets: DueGets, answers: PrimedAnswers<W>, sink: AskAheadSink<W>) {
    this.#dueGets = dueGets;
    this.#answers = answers;
    this.#sink = sink;
  }

  /** An answer of the event channel is about to reach the client. `named`: see `DueGets.changed`. */
  changed(
    user: string,
    changes: readonly Change[],
    named: ReadonlyMap<string, Relation>,
    nowMs: number,
  ): void {
    this.#answers.changed(user, changes);
    const gets: Array<{ get: PrimedGet<W>; sample: Sample }> = [];
    let room: number | undefined;
    for (const [target, relation] of named) {
      const sample = this.#samples.get(relation);
      if (sample === undefined || relation.share.lowerBound <= provedShare) continue;
      room ??= Math.min(
        this.#answers.roomFor(user, nowMs),
        this.#budget.allowed,
        relation.budget.allowed,
        this.#sink.spareRoom(user),
      );
      if (gets.length >= room) break;
      const get = this.#answers.ask({ key: sample.key, target, fields: sample.fields }, nowMs);
      if (get === undefined) continue;
      this.#relations.set(get, relation);
      gets.push({ get, sample });
    }
    const [first] = gets;
    if (first === undefined) return;
    this.#dueGets.expectNone(
      first.sample.key,
      gets.map(({ get }) => get.question.target),
    );
    this.#dueGets.gather(gets.length, () => this.#sink.send(gets));
  }

  /** A client sent a GET of this relation. */
  asked(relation: Relation, { key, fields }: Question, headers: RawHeaders): void {
    this.#budget.used();
    // The condition of one resource says nothing about another.
    if (/^if-/im.test(fields)) this.#samples.delete(relation);
    else this.#samples.set(relation, { key, fields, headers });
  }

  /** Counts an answer that the client did not use. */
  over(get: PrimedGet<W>, outcome: PrimedOutcome): void {
    if (outcome === 'answered' || outcome === 'followed') return;
    this.#budget.wasted();
    this.#relations.get(get)?.budget.wasted();
  }
}
