/** The knowledge about the GETs that follow the events of one application of one user. */
import type { Change } from '../ucwa/event-changes.ts';
import { routeTemplate } from '../ucwa/route-template.ts';
import { Delays } from './delays.ts';
import { UseShare } from './use-share.ts';
import { WasteBudget } from './waste-budget.ts';

/** A GET counts for an event if it comes within this time after the event, in ms. */
const usedWithinMs = 2000;
/** Limit for the targets that are due at a time. */
const maxDue = 512;
const maxRelations = 64;
/** Answers in vain that one application can save up. */
const maxWasted = 40;

/** The event channel of one application of one user. */
export interface ChannelName {
  readonly user: string;
  readonly applicationPath: string;
}

export function nameOf({ user, applicationPath }: ChannelName): string {
  return `${user}\n${applicationPath.toLowerCase()}`;
}

/** Events of one relation and type, for resources of one route. */
export class Relation {
  readonly share = new UseShare();
  /** The budget of the whole application. */
  readonly budget: WasteBudget;

  constructor(budget: WasteBudget) {
    this.budget = budget;
  }
}

/** One answer of the event channel. */
interface EventsAnswer {
  readonly atMs: number;
  /** GETs that are likely to follow, and have not come. */
  waiting: number;
}

/** A resource that an event named. */
interface Due {
  readonly relation: Relation;
  readonly answer: EventsAnswer;
  /** Whether calls are held for the GET: the client is likely to send it, and the proxy has not asked itself. */
  isLikely: boolean;
}

/** A client is likely to send a GET if the lower bound of the share is above this number. */
const likelyShare = 0.5;

export class Channel {
  readonly #budget = new WasteBudget(maxWasted);
  readonly #relations = new Map<string, Relation>();
  /** By target, in the order of their events. */
  readonly #due = new Map<string, Due>();
  /** Times from an event to its GET. */
  readonly #delays = new Delays(5);
  /** Times between two due GETs. */
  readonly #gaps = new Delays(0.5);
  /** The answers of the last `usedWithinMs`, in their order. */
  #answers: EventsAnswer[] = [];
  usedAtMs = 0;
  /** Whether an event had named the resource of the client's last GET. */
  #lastWasNamed = false;
  /** Whether that GET was likely. */
  #lastWasLikely = false;
  #lastDueAtMs = -Infinity;
  #gapMs = Infinity;
  /** End of the hold for due GETs, in ms. */
  #holdUntilMs = -Infinity;

  get size(): number {
    return this.#due.size;
  }

  /** Notes the resources that an answer of the event channel names. Returns them, each once. */
  changed(changes: readonly Change[], nowMs: number): ReadonlyMap<string, Relation> {
    this.sweep(nowMs);
    const answer: EventsAnswer = { atMs: nowMs, waiting: 0 };
    const named = new Map<string, Relation>();
    for (const change of changes) {
      const { target } = change;
      const relation = this.#relationOf(change);
      if (relation === undefined || named.has(target)) continue;
      // An event that repeats an earlier one takes its place. One GET serves both.
      this.forget(target);
      if (this.#due.size >= maxDue) break;
      named.set(target, relation);
      const isLikely = relation.share.lowerBound > likelyShare;
      if (isLikely) answer.waiting += 1;
      this.#due.set(target, { relation, answer, isLikely });
    }
    if (named.size > 0) this.#answers.push(answer);
    return named;
  }

  /** Notes a GET of the client. Returns its relation if an event had named the resource. */
  asked(target: string, nowMs: number): Relation | undefined {
    this.sweep(nowMs);
    const due = this.forget(target);
    this.#lastWasNamed = due !== undefined;
    this.#lastWasLikely = due?.isLikely === true;
    if (due === undefined) return undefined;
    this.#gapMs = nowMs - this.#lastDueAtMs;
    this.#lastDueAtMs = nowMs;
    due.relation.share.add(true);
    due.relation.budget.used();
    this.#delays.add(nowMs - due.answer.atMs);
    return due.relation;
  }

  /** No longer waits for the GET. */
  forget(target: string): Due | undefined {
    const due = this.#due.get(target);
    if (due === undefined) return undefined;
    this.#due.delete(target);
    if (due.isLikely) due.answer.waiting -= 1;
    return due;
  }

  /** Holds no call for this GET, because the proxy asks for the resource itself. */
  expectNone(target: string): void {
    const due = this.#due.get(target);
    if (due?.isLikely !== true) return;
    due.isLikely = false;
    due.answer.waiting -= 1;
  }

  /** See `ExpectedGets`. */
  holdUntilMs(openCalls: number, nowMs: number): number | undefined {
    // A client without another open call may have waited for its answer.
    if (this.#lastWasNamed && openCalls > 1) this.#gaps.add(this.#gapMs);
    if (!this.#lastWasLikely) return this.#holdUntilMs > nowMs ? this.#holdUntilMs : undefined;
    this.#holdUntilMs = nowMs;
    const dueUntilMs = this.#dueUntilMs(nowMs);
    if (dueUntilMs === undefined) return nowMs;
    const { windowMs } = this.#gaps;
    if (windowMs === undefined) return undefined;
    this.#holdUntilMs = Math.min(dueUntilMs, nowMs + windowMs);
    return this.#holdUntilMs;
  }

  /** Returns until when likely GETs may come, in ms; `undefined` if no such GET is due. */
  #dueUntilMs(nowMs: number): number | undefined {
    const { windowMs } = this.#delays;
    if (windowMs === undefined) return undefined;
    // The last answer has the latest end.
    for (let i = this.#answers.length - 1; i >= 0; i -= 1) {
      const { atMs, waiting } = this.#answers[i] as EventsAnswer;
      const untilMs = atMs + Math.min(windowMs, usedWithinMs);
      if (untilMs <= nowMs) return undefined;
      if (waiting > 0) return untilMs;
    }
    return undefined;
  }

  /** Counts resources that the client did not read in time. */
  sweep(nowMs: number): void {
    for (const [target, { relation, answer }] of this.#due) {
      if (answer.atMs + usedWithinMs > nowMs) break;
      this.forget(target);
      relation.share.add(false);
    }
    const [oldest] = this.#answers;
    if (oldest === undefined || oldest.atMs + usedWithinMs > nowMs) return;
    this.#answers = this.#answers.filter(({ atMs }) => atMs + usedWithinMs > nowMs);
  }

  #relationOf({ rel, type, target }: Change): Relation | undefined {
    const name = `${rel} ${type} ${routeTemplate(target)}`;
    const known = this.#relations.get(name);
    if (known !== undefined || this.#relations.size >= maxRelations) return known;
    const relation = new Relation(this.#budget);
    this.#relations.set(name, relation);
    return relation;
  }
}
