/**
 * The pace of clients. The shadow answers calls later than the pool really does. A client that waits for each
 * answer would send its next call later too. The shadow must delay that call. Otherwise it would look like a
 * companion of the previous call, and the shadow would report a saved request.
 *
 * A user's clients wait for answers if several calls in a row really arrived soon after the last answer, with
 * no other unanswered call. The next calls of this user then arrive in the shadow only when no call is
 * unanswered there either.
 */
import { LinkedList } from '../structures/linked-list.ts';
import type { Policy } from '../schedule/policy.ts';
import { Refusals } from './outcome.ts';
import type { ShadowCall, Pace } from './state.ts';

/** The number of calls in a row that show that clients wait. */
const inARow = 8;
/**
 * After a longer gap, in ms, a call does not show whether clients wait: the user did something else meanwhile.
 */
const unrelatedGapMs = 1000;
/** The time for which the pace of an idle user is kept, in ms. */
const keptMs = 10_000;

type PacePolicy = Pick<Policy, 'lingerMaxMs' | 'maxQueuedCallsPerUser' | 'maxUsers'>;

/** The paces of all users. */
export class Paces {
  /** A call that arrives later than this after an answer, in ms, never looks like a companion. */
  readonly #soonMs: number;
  readonly #mostWaiting: number;
  readonly #mostIdle: number;
  readonly #paces = new Map<string, Pace>();
  /** Paces of users without unanswered calls; the user that is idle for the longest time comes first. */
  readonly #idle = new LinkedList<Pace>();

  constructor({ lingerMaxMs, maxQueuedCallsPerUser, maxUsers }: PacePolicy) {
    this.#soonMs = lingerMaxMs;
    this.#mostWaiting = maxQueuedCallsPerUser;
    this.#mostIdle = maxUsers;
  }

  /** Returns the pace of a user. The pace of an idle user may be new. */
  of(userName: string, nowMs: number): Pace {
    this.#sweep(nowMs);
    let pace = this.#paces.get(userName);
    if (pace === undefined) {
      pace = {
        userName,
        unanswered: 0,
        inShadow: 0,
        inARow: 0,
        answeredAtMs: -Infinity,
        shiftMs: 0,
        refusals: new Refusals(),
        waiting: [],
        idleSinceMs: nowMs,
        earlier: undefined,
        later: undefined,
      };
      this.#paces.set(userName, pace);
    }
    this.#idle.remove(pace);
    return pace;
  }

  /**
   * Records that a call really arrived. Returns the time at which the call arrives in the shadow, in ms. Returns
   * `undefined` if the call has to wait for answers in the shadow; `over` then returns it.
   */
  arrives(call: ShadowCall, nowMs: number): number | undefined {
    const { pace } = call;
    const opens = pace.unanswered === 0;
    const sinceMs = nowMs - pace.answeredAtMs;
    if (!opens || (sinceMs > this.#soonMs && sinceMs < unrelatedGapMs)) pace.inARow = 0;
    else if (sinceMs <= this.#soonMs) pace.inARow += 1;
    pace.unanswered += 1;
    if (opens) {
      const waits = pace.inShadow > 0 || pace.waiting.length > 0;
      if (pace.inARow >= inARow && waits) {
        this.#wait(pace, call, opens);
        return undefined;
      }
      pace.shiftMs = 0;
    } else if (pace.waiting.length > 0) {
      this.#wait(pace, call, opens);
      return undefined;
    }
    pace.inShadow += 1;
    return nowMs + pace.shiftMs;
  }

  /** Records that a call was really answered, or that its caller left. */
  answered({ pace }: ShadowCall, nowMs: number): void {
    pace.unanswered -= 1;
    pace.answeredAtMs = nowMs;
    this.#rest(pace, nowMs);
  }

  /**
   * Records that a call ended in the shadow. Returns the waiting calls that arrive in the shadow next, each
   * with its time in `atMs`.
   */
  over({ pace }: ShadowCall, nowMs: number): readonly ShadowCall[] {
    pace.inShadow -= 1;
    const released: ShadowCall[] = [];
    if (pace.inShadow === 0) {
      for (let first = true; ; first = false) {
        const next = pace.waiting[0];
        if (next === undefined || (next.opens && !first)) break;
        pace.waiting.shift();
        const { call } = next;
        if (first) pace.shiftMs = nowMs - call.arrivedAtMs;
        call.atMs = call.arrivedAtMs + pace.shiftMs;
        pace.inShadow += 1;
        released.push(call);
      }
    }
    this.#rest(pace, nowMs);
    return released;
  }

  /** Leaves out the call if too many calls wait: a waiting client would not have sent it. */
  #wait({ waiting }: Pace, call: ShadowCall, opens: boolean): void {
    if (waiting.length < this.#mostWaiting) waiting.push({ call, opens });
  }

  #rest(pace: Pace, nowMs: number): void {
    if (pace.unanswered > 0 || pace.inShadow > 0 || pace.waiting.length > 0) return;
    pace.idleSinceMs = nowMs;
    this.#idle.add(pace);
  }

  #sweep(nowMs: number): void {
    for (let pace = this.#idle.first; pace !== undefined; pace = this.#idle.first) {
      const isRecent = pace.idleSinceMs + keptMs > nowMs;
      if (isRecent && this.#idle.size <= this.#mostIdle) return;
      this.#idle.remove(pace);
      this.#paces.delete(pace.userName);
    }
  }
}
