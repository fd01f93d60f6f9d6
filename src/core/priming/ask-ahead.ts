/**
 * Asks for resources before the client does (`batching.eventPriming: ask`). The share of use of the relation must be
 * proved, the budget of waste must allow it, and the user must be far from its limit. `PrimedAnswers` gives the
 * answers to the GETs of the client.
 */
import type { Change } from '../ucwa/event-changes.ts';
import type { ChannelName, Relation } from './channel.ts';
import type { DueGets } from './due-gets.ts';
import type { PrimedAnswers, PrimedGet, PrimedOutcome } from './primed-answers.ts';
import { type Sample, Samples } from './samples.ts';
import { WasteBudget } from './waste-budget.ts';

/** The proxy asks if the lower bound of the share is above this number. */
const provedShare = 0.9;
/** Answers in vain that the process can save up. */
const maxWasted = 4000;

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
  readonly #relations = new WeakMap<PrimedGet<W>, Relation>();
  readonly #budget = new WasteBudget(maxWasted);
  readonly samples: Samples;

  /** @param maxSampleBytes limit for the bytes of all samples */
  constructor(
    dueGets: DueGets,
    answers: PrimedAnswers<W>,
    sink: AskAheadSink<W>,
    maxSampleBytes: number,
  ) {
    this.samples = new Samples(maxSampleBytes);
    this.#dueGets = dueGets;
    this.#answers = answers;
    this.#sink = sink;
  }

  /** An answer of the event channel is about to reach the client. `named`: see `DueGets.changed`. */
  changed(
    channel: ChannelName,
    changes: readonly Change[],
    named: ReadonlyMap<string, Relation>,
    nowMs: number,
  ): void {
    const { user } = channel;
    this.#answers.changed(user, changes);
    const gets: Array<{ get: PrimedGet<W>; sample: Sample }> = [];
    let room: number | undefined;
    for (const [target, relation] of named) {
      const sample = this.samples.get(channel, relation);
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
  asked(relation: Relation, sample: Sample, nowMs: number): void {
    this.#budget.used();
    this.samples.asked(relation, sample, nowMs);
  }

  /** Counts an answer that the client did not use. */
  over(get: PrimedGet<W>, outcome: PrimedOutcome): void {
    if (outcome === 'answered' || outcome === 'followed') return;
    this.#budget.wasted();
    this.#relations.get(get)?.budget.wasted();
  }
}
