/** Runs batches: checks the parts and the user's limit, runs all parts at once, joins the answers. */
import { type Answer, toAnswer } from '../representation/answer.ts';
import { BatchAnswerWriter, rearranged, type PartAnswer } from '../batch/batch-answer.ts';
import type { BatchReading } from '../batch/batch-reading.ts';
import type { CallRunner } from '../resources/call-runner.ts';
import type { Counters, Exchange } from './exchange.ts';
import { executes, type FaultKind, faultOf } from '../faults/fault.ts';
import { substituteFor } from '../faults/fault-answer.ts';
import type { FaultScript } from '../faults/fault-script.ts';
import { GzipPieces } from './gzip-pieces.ts';
import { gzipFields, offersGzip } from './server-headers.ts';
import { headerValue } from '../representation/headers.ts';
import type { ReceivedPart } from '../pool/request-log.ts';
import { failed, type Outcome } from '../representation/outcome.ts';
import type { Outstanding } from '../pool/outstanding.ts';
import { checkPart } from '../batch/part-rules.ts';
import type { Application } from '../pool/state.ts';
import type { Place } from '../pool/target.ts';
import type { Timers } from '../pool/timers.ts';

type ApplicationPlace = Extract<Place, { kind: 'application' }>;

interface CheckedPart {
  readonly part: ReceivedPart;
  /** Place of its target, or the answer if a rule refuses the part. */
  readonly checked: ApplicationPlace | Outcome;
}

/** Faults of the whole answer. A batch with one of them is not streamed. */
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
  /** Whether answers are compressed for callers that accept gzip. */
  readonly compress: boolean;
  /** Whether a part must name the host of its batch. */
  readonly strictPartHosts: boolean;
}

export class BatchRunner {
  readonly #with: BatchRunnerParts;

  constructor(parts: BatchRunnerParts) {
    this.#with = parts;
  }

  /** Resolves to the answer of the batch, or to undefined after it was streamed. */
  async run(
    exchange: Exchange,
    reading: BatchReading,
    place: ApplicationPlace,
    application: Application,
  ): Promise<Answer | undefined> {
    const { counters, outstanding, newBoundary, streamParts, strictPartHosts } = this.#with;
    const asIs = (outcome: Outcome) => toAnswer(outcome, place.base, 'POST', exchange.headers);
    if (reading.kind === 'refused') return asIs(reading.outcome);
    const { parts } = reading;
    const host = strictPartHosts ? (headerValue(exchange.headers, 'host') ?? '') : undefined;
    const checkedParts = parts.map((part) => ({ part, checked: checkPart(part, place, host) }));
    counters.refusedParts += checkedParts.filter(({ checked }) => 'status' in checked).length;
    const user = application.user.name;
    if (!outstanding.acquire(user, parts.length)) {
      counters.refused429++;
      return asIs(failed(429));
    }
    counters.parts += parts.length;
    const answers = checkedParts.map((part, position) =>
      this.#runPart(exchange, part, position, application),
    );
    const writer = new BatchAnswerWriter(newBoundary(), exchange.faults);
    if (streamParts && exchange.faults.every(({ kind }) => !unstreamable.has(kind))) {
      return this.#stream(exchange, writer, answers, user);
    }
    const all = rearranged(await Promise.all(answers), exchange.faults);
    if (faultOf(exchange.faults, 'hang')) await exchange.reply.gone;
    outstanding.release(user, parts.length);
    const pieces = all.map((answer, i) => writer.part(answer, i, i === all.length - 1));
    const body = Buffer.concat([writer.begin(), ...pieces]);
    return { status: 200, headers: ['Content-Type', writer.contentType], body };
  }

  /** Writes each part as soon as this part and all earlier ones are done. */
  async #stream(
    { reply, headers, fieldsOf }: Exchange,
    writer: BatchAnswerWriter,
    answers: ReadonlyArray<Promise<PartAnswer>>,
    user: string,
  ): Promise<undefined> {
    const last = answers.length - 1;
    const gzip = this.#with.compress && offersGzip(headers) ? new GzipPieces() : undefined;
    const coding = gzip === undefined ? [] : gzipFields;
    for (const [i, pending] of answers.entries()) {
      const answer = await pending;
      this.#with.outstanding.release(user, 1);
      const part = writer.part(answer, i, i === last);
      if (i === 0) await reply.head(200, fieldsOf(['Content-Type', writer.contentType, ...coding]));
      const piece = i === 0 ? Buffer.concat([writer.begin(), part]) : part;
      await reply.write((await gzip?.next(piece, i === last)) ?? piece);
    }
    reply.end();
  }

  async #runPart(
    exchange: Exchange,
    { part, checked }: CheckedPart,
    position: number,
    application: Application,
  ): Promise<PartAnswer> {
    const { method, target, headers, body } = part;
    const { user, credential, record, host, server } = exchange;
    const faults = this.#with.faults.take({ kind: 'part', method, target, user, host, server });
    await this.#with.timers.wait(faultOf(faults, 'delay')?.ms ?? 0);
    const refused = (outcome: Outcome) => toAnswer(outcome, '', method, headers);
    let answer = refused(failed(503));
    if ('status' in checked) {
      answer = refused(checked);
    } else if (executes(faults)) {
      const { base, path, rawQuery } = checked;
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
