/** The departure board: the requests under way, and those that have just ended. */
import type { AnswerNote, EndNote, SentNote } from './notes.ts';

/** An ended request stays this long, so that people can see it, in ms. */
const keptMs = 4000;
/** Requests that are kept. At more, the proxy forgets the oldest. */
const maxRequests = 2000;
const maxRows = 16;
const maxCells = 32;

/** Status of a cell: that of its answer, 0 before it, -1 if no usable answer came. */
type CellStatus = number;

interface Row {
  readonly note: SentNote;
  readonly statuses: CellStatus[];
  /** Time from the dispatch to the answer of each part, in ms; -1 before it. */
  readonly tookMs: number[];
  end: EndNote | undefined;
}

interface RowFrame {
  readonly key: string;
  readonly id: number;
  readonly user: string;
  readonly kind: 'batch' | 'single';
  readonly flush: string;
  /** The longest hold of its calls, and the longest wait after it, in ms. */
  readonly holdMs: number;
  readonly queueMs: number;
  /** Time since its dispatch, or until its end, in ms. */
  readonly tookMs: number;
  readonly isOver: boolean;
  readonly wasLate: boolean;
  readonly fault: string;
  readonly parts: number;
  /** Status, place of the route in `BoardFrame.names`, time to the answer in ms, whether it is the slow part. */
  readonly cells: ReadonlyArray<readonly [CellStatus, number, number, 0 | 1]>;
}

export interface BoardFrame {
  /** All requests that are known; only some of them are in `rows`. */
  readonly live: number;
  readonly names: readonly string[];
  readonly rows: readonly RowFrame[];
}

export class Board {
  readonly #rows = new Map<string, Row>();

  sent(note: SentNote): void {
    if (this.#rows.size >= maxRequests) {
      const oldest = this.#rows.keys().next().value;
      if (oldest !== undefined) this.#rows.delete(oldest);
    }
    this.#rows.set(note.key, {
      note,
      statuses: note.parts.map(() => 0),
      tookMs: note.parts.map(() => -1),
      end: undefined,
    });
  }

  answered({ key, index, status, atMs }: AnswerNote): void {
    const row = this.#rows.get(key);
    if (row === undefined || index >= row.statuses.length) return;
    row.statuses[index] = status === 0 ? -1 : status;
    row.tookMs[index] = atMs - row.note.atMs;
  }

  /** Returns the request, with the status of each part; `undefined` for one that was sent before. */
  ended(
    end: EndNote,
  ): { readonly note: SentNote; readonly statuses: readonly number[] } | undefined {
    const row = this.#rows.get(end.key);
    if (row === undefined) return undefined;
    row.end = end;
    row.statuses.forEach((status, index) => {
      if (status !== 0) return;
      row.statuses[index] = end.status === 0 ? -1 : end.status;
      row.tookMs[index] = end.atMs - row.note.atMs;
    });
    // The order of the map is the order of the ends, for those that are over.
    this.#rows.delete(end.key);
    this.#rows.set(end.key, row);
    return row;
  }

  frame(nowMs: number): BoardFrame {
    for (const [key, { end }] of this.#rows) {
      if (end !== undefined && end.atMs < nowMs - keptMs) this.#rows.delete(key);
    }
    const all = [...this.#rows.values()];
    const live = all.filter(({ end }) => end === undefined);
    // Batches before single requests, those under way before those that are over, and the newest first.
    const rank = (row: Row): number =>
      (row.note.kind === 'single' ? 2 : 0) + (row.end === undefined ? 0 : 1);
    const shown = all
      .sort((a, b) => rank(a) - rank(b) || b.note.atMs - a.note.atMs)
      .slice(0, maxRows)
      .sort((a, b) => b.note.atMs - a.note.atMs);
    const names = new Map<string, number>();
    const rows = shown.map((row) => rowFrame(row, names, nowMs));
    return { live: live.length, names: [...names.keys()], rows };
  }
}

function rowFrame(
  { note, statuses, tookMs, end }: Row,
  names: Map<string, number>,
  nowMs: number,
): RowFrame {
  const calls = note.parts.flatMap((part) => part.calls);
  const slow = slowPart(tookMs);
  return {
    key: note.key,
    id: note.id,
    user: note.user,
    kind: note.kind,
    flush: note.flush,
    holdMs: round(Math.max(0, ...calls.map(({ holdMs }) => holdMs))),
    queueMs: round(Math.max(0, ...calls.map(({ queueMs }) => queueMs))),
    tookMs: round((end?.atMs ?? nowMs) - note.atMs),
    isOver: end !== undefined,
    wasLate: end?.wasLate ?? false,
    fault: end?.fault ?? '',
    parts: note.parts.length,
    cells: note.parts.slice(0, maxCells).map(({ method, route }, index) => {
      const name = `${method} ${route}`;
      const place = names.get(name) ?? names.size;
      names.set(name, place);
      return [
        statuses[index] as number,
        place,
        round(tookMs[index] as number),
        index === slow ? 1 : 0,
      ] as const;
    }),
  };
}

/** A part is slow if it came after this multiple of the time of the others, and this much later. */
const slowFactor = 1.5;
const leastSlowMs = 5;

/** Returns the place of the part that the others had to wait for; -1 without one. */
export function slowPart(tookMs: readonly number[]): number {
  if (tookMs.length < 2) return -1;
  const pending = tookMs.filter((ms) => ms < 0).length;
  // All parts but one have come.
  if (pending === 1) return tookMs.findIndex((ms) => ms < 0);
  if (pending > 0) return -1;
  const [second = 0, first = 0] = [...tookMs].sort((a, b) => a - b).slice(-2);
  const isSlow = first > second * slowFactor && first - second > leastSlowMs;
  return isSlow ? tookMs.indexOf(first) : -1;
}

export function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
