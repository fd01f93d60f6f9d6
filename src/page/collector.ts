/** Counts and samples what the page shows. It exists only while the page is open. */
import type { RefusalReason } from '../core/admit/admit.ts';
import { routeTemplate } from '../core/ucwa/route-template.ts';
import type { FinishedCall } from '../listen/observer.ts';
import { Board, type BoardFrame, round } from './board.ts';
import { Effect, type EffectFrame, type TimeLineFrame } from './effect.ts';
import type { AnswerNote, EndNote, PartNote, SentNote } from './notes.ts';
import { type RouteFrame, SeenRoutes } from './routes.ts';
import { Tap, type TapsFrame } from './tap.ts';
import { SeenUsers, type UsersFrame } from './users.ts';

/** Counts since the page was opened. They have the meanings of the metrics of the same names. */
export interface Totals {
  /** `calls_total`. */
  calls: number;
  /** Requests to the pool: batches, single requests and passed-through calls. */
  batches: number;
  singles: number;
  passedThrough: number;
  /** `batch_parts_sum`. */
  parts: number;
  /** `refused_total`. */
  refused: number;
  /** Requests that the pool refused with 429. */
  refusedByPool: number;
  /** `429_splits_total`. */
  splits: number;
  /** `batches_total`, by the reason that ended the hold. */
  readonly flushes: Record<string, number>;
}

export interface CollectedFrame {
  readonly watchedMs: number;
  readonly effect: EffectFrame;
  readonly totals: Totals;
  readonly board: BoardFrame;
  readonly users: UsersFrame;
  readonly routes: readonly RouteFrame[];
  readonly timeLine: TimeLineFrame;
  readonly tap: TapsFrame;
}

export class Collector {
  readonly #startedAtMs: number;
  readonly #hashOf: (name: string) => string;
  readonly #effect: Effect;
  readonly #board = new Board();
  readonly #users = new SeenUsers();
  readonly #routes = new SeenRoutes();
  readonly #tap = new Tap();
  readonly #totals: Totals = {
    ...{ calls: 0, batches: 0, singles: 0, passedThrough: 0, parts: 0 },
    ...{ refused: 0, refusedByPool: 0, splits: 0, flushes: {} },
  };
  /** The reason of the refusal that is about to be reported as a finished call. */
  #refusal: RefusalReason | undefined;

  constructor(nowMs: number, hashOf: (name: string) => string) {
    this.#startedAtMs = nowMs;
    this.#hashOf = hashOf;
    this.#effect = new Effect(nowMs);
  }

  sent(note: SentNote): void {
    const { atMs, parts, kind, flush } = note;
    this.#board.sent(note);
    this.#users.sent(note);
    this.#effect.count('requests', atMs);
    const totals = this.#totals;
    if (kind === 'batch') {
      totals.batches += 1;
      totals.parts += parts.length;
      totals.flushes[flush] = (totals.flushes[flush] ?? 0) + 1;
    } else totals.singles += 1;
    for (const { holdMs, queueMs, attempts } of parts.flatMap(({ calls }) => calls))
      if (attempts === 1) this.#effect.waited(holdMs + queueMs, atMs);
  }

  answered(note: AnswerNote): void {
    this.#board.answered(note);
  }

  /** Returns the status of each part; `undefined` for a request that was sent before. */
  ended(note: EndNote): readonly number[] | undefined {
    this.#users.ended(note);
    if (note.wasRefused) {
      this.#totals.refusedByPool += 1;
      this.#effect.count('refusedByPool', note.atMs);
    }
    const ended = this.#board.ended(note);
    if (ended === undefined) return undefined;
    ended.note.parts.forEach((part, index) => {
      const status = ended.statuses[index] as number;
      const tookMs = note.atMs - ended.note.atMs;
      if (status >= 200 && status < 300)
        this.#routes.answered(`${part.method} ${part.route}`, part.isSlow, tookMs);
      this.#tapPart(ended.note, note, part, index, Math.max(0, status));
    });
    return ended.statuses;
  }

  split(nowMs: number): void {
    this.#totals.splits += 1;
    this.#effect.count('splits', nowMs);
  }

  refused(reason: RefusalReason, nowMs: number): void {
    this.#totals.refused += 1;
    this.#effect.count('refused', nowMs);
    this.#refusal = reason;
  }

  finished(call: FinishedCall, nowMs: number): void {
    const { via, status, callerLeft } = call;
    // Input that never became a call is refused, too. The next call must not get the reason of that input.
    const reason = via === 'refused' ? this.#refusal : undefined;
    this.#refusal = undefined;
    const isAnswered = status !== 0 && !callerLeft;
    if (isAnswered) {
      this.#totals.calls += 1;
      this.#effect.count('calls', nowMs);
    }
    if (via === 'passthrough' && status !== 0) {
      this.#totals.passedThrough += 1;
      this.#effect.count('requests', nowMs);
    }
    // The end of its request reports a batchable call.
    if ((via === 'batch' || via === 'single') && !callerLeft) return;
    this.#tap.add(!isAnswered || status >= 400, () => ({
      atMs: nowMs,
      method: methodName(call.method),
      route: routeTemplate(call.target).slice(0, 120),
      via,
      status,
      tookMs: round(call.durationMs),
      user: call.user === '' ? '' : this.#hashOf(call.user),
      explain: '',
      reason: callerLeft ? 'caller left' : (reason ?? (status >= 500 ? 'failed' : '')),
    }));
  }

  frame(nowMs: number): CollectedFrame {
    return {
      watchedMs: Math.round(nowMs - this.#startedAtMs),
      effect: this.#effect.frame(nowMs),
      totals: this.#totals,
      board: this.#board.frame(nowMs),
      users: this.#users.frame(nowMs),
      routes: this.#routes.frame(),
      timeLine: this.#effect.timeLine(nowMs),
      tap: this.#tap.frame(nowMs),
    };
  }

  #tapPart(sent: SentNote, end: EndNote, part: PartNote, position: number, status: number): void {
    const isBack = end.goesBack[position] === true;
    const reason = isBack
      ? `${end.wasRefused ? 'refused by the pool' : end.fault}; waits to be sent again`
      : status >= 400
        ? end.fault || 'the pool answered so'
        : status === 0
          ? end.fault || 'no answer'
          : '';
    for (const call of part.calls) {
      this.#tap.add(reason !== '', () => ({
        atMs: end.atMs,
        method: methodName(part.method),
        route: part.route,
        via: sent.kind,
        status,
        tookMs: round(end.atMs - call.arrivedAtMs),
        user: sent.user,
        explain:
          `id=${sent.id}; parts=${sent.parts.length}; position=${position}; ` +
          `hold=${call.holdMs.toFixed(1)}; flush=${sent.flush}; attempts=${call.attempts}`,
        reason,
      }));
    }
  }
}

/** An unknown method is arbitrary text of the client. */
function methodName(method: string): string {
  return /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH)$/.test(method) ? method : 'OTHER';
}
