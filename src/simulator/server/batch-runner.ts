/** Runs batches: reads them, holds them against the limit, runs all parts at once, joins the answers. */
import { type Answer, toAnswer } from '../representation/answer.ts';
import { BatchAnswerWriter, misarranged, type PartAnswer } from '../batch/batch-answer.ts';
import type { BatchReading } from '../batch/batch-reading.ts';
import type { CallRunner } from '../resources/call-runner.ts';
import type { Counters, Exchange } from './exchange.ts';
import { executes, type FaultKind, faultOf } from '../faults/fault.ts';
import { substituteFor } from '../faults/fault-answer.ts';
import type { FaultScript } from '../faults/fault-script.ts';
import { headerValue } from '../representation/headers.ts';
import type { ReceivedPart } from '../pool/request-log.ts';
import { failed, type Outcome } from '../representation/outcome.ts';
import type { Outstanding } from '../pool/outstanding.ts';
import { judgePart } from '../batch/part-rules.ts';
import type { Application } from '../pool/pool.ts';
import { serverHeaders } from './server-headers.ts';
import type { Place } from '../pool/target.ts';
import type { Timers } from '../pool/timers.ts';

type ApplicationPlace = Extract<Place, { kind: 'application' }>;

interface JudgedPart {
  readonly part: ReceivedPart;
  /** Where it leads, or why it is refused. */
  readonly verdict: ApplicationPlace | Outcome;
}

/** Faults that concern the answer as a whole: a batch that meets one is not streamed. */
const unstreamable: ReadonlySet<FaultKind> = new Set<FaultKind>([
  ...(['hang', 'status', 'html', 'junk', 'truncate', 'gzip'] as const),
  ...(['fewerParts', 'moreParts', 'permute'] as const),
]);

export interface BatchRunnerParts {
  readonly runner: CallRunner;
  readonly outstanding: Outstanding;
  readonly faults: FaultScript;
  readonly timers: Timers;
  readonly counters: Counters;
  readonly newBoundary: () => string;
  readonly streamParts: boolean;
}

export class BatchRunner {
  readonly #with: BatchRunnerParts;

  constructor(parts: BatchRunnerParts) {
    this.#with = parts;
  }

  /** The batch's answer; undefined if it has been streamed. */
  async run(
    exchange: Exchange,
    reading: BatchReading,
    place: ApplicationPlace,
    application: Application,
  ): Promise<Answer | undefined> {
    const { counters, outstanding, newBoundary, streamParts } = this.#with;
    const asIs = (outcome: Outcome) => toAnswer(outcome, place.base, 'POST', exchange.headers);
    if (reading.kind === 'refused') return asIs(reading.outcome);
    const { parts } = reading;
    const host = headerValue(exchange.headers, 'host') ?? '';
    const judged = parts.map((part) => ({ part, verdict: judgePart(part, place, host) }));
    counters.refusedParts += judged.filter(({ verdict }) => 'status' in verdict).length;
    const user = application.user.name;
    if (!outstanding.take(user, parts.length)) {
      counters.refused429++;
      return asIs(failed(429));
    }
    counters.parts += parts.length;
    const answers = judged.map((part, position) =>
      this.#runPart(exchange, part, position, application),
    );
    const writer = new BatchAnswerWriter(newBoundary(), exchange.faults);
    if (streamParts && exchange.faults.every(({ kind }) => !unstreamable.has(kind))) {
      return this.#stream(exchange, writer, answers, user);
    }
    const all = misarranged(await Promise.all(answers), exchange.faults);
    if (faultOf(exchange.faults, 'hang')) await exchange.reply.gone;
    outstanding.give(user, parts.length);
    const pieces = all.map((answer, i) => writer.part(answer, i, i === all.length - 1));
    const body = Buffer.concat([writer.begin(), ...pieces]);
    return { status: 200, headers: ['Content-Type', writer.contentType], body };
  }

  /** Writes each part as soon as it and all before it are done. */
  async #stream(
    { reply, headers }: Exchange,
    writer: BatchAnswerWriter,
    answers: ReadonlyArray<Promise<PartAnswer>>,
    user: string,
  ): Promise<undefined> {
    const last = answers.length - 1;
    for (const [i, pending] of answers.entries()) {
      const answer = await pending;
      this.#with.outstanding.give(user, 1);
      const piece = writer.part(answer, i, i === last);
      if (i === 0) {
        await reply.head(200, serverHeaders(['Content-Type', writer.contentType], headers));
        await reply.write(Buffer.concat([writer.begin(), piece]));
      } else {
        await reply.write(piece);
      }
    }
    reply.end();
  }

  async #runPart(
    exchange: Exchange,
    { part, verdict }: JudgedPart,
    position: number,
    application: Application,
  ): Promise<PartAnswer> {
    const { method, target, headers, body } = part;
    const { user, credential, record } = exchange;
    const faults = this.#with.faults.take({ kind: 'part', method, target, user });
    await this.#with.timers.wait(faultOf(faults, 'delay')?.ms ?? 0);
    const refused = (outcome: Outcome) => toAnswer(outcome, '', method, headers);
    let answer = refused(failed(503));
    if ('status' in verdict) {
      answer = refused(verdict);
    } else if (executes(faults)) {
      const { base, path, rawQuery } = verdict;
      const own = { method, target, headers, body, credential };
      const way = { requestId: record.id, position };
      answer = await this.#with.runner.run({ application, base, path, rawQuery, ...own, ...way });
    }
    if (faultOf(faults, 'hang')) await exchange.reply.gone;
    const moreHeaders = [exchange.faults, faults].flatMap(
      (some) => faultOf(some, 'partHeaders')?.headers ?? [],
    );
    return { answer: substituteFor(faults, headers) ?? answer, moreHeaders };
  }
}
