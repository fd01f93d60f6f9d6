/**
 * The pace of clients. The shadow answers later than the pool really does, and a client that waits
 * for each answer would have sent its next call as much later. Without that, the next call would
 * look like a companion of the one before it, and be counted as one request less.
 *
 * Which clients wait is seen from what really happens: a user whose calls, several times in a row,
 * came when nothing of his was unanswered, and soon after the last answer. From such a call on, what
 * he sends comes in the shadow when nothing is unanswered there either.
 */
import { ArrivalList } from '../structures/linked-list.ts';
import type { Policy } from '../schedule/policy.ts';
import { Refusals } from './outcome.ts';
import type { ShadowCall, Pace } from './state.ts';

const inARow = 8;
/** Who comes back so late has done something else meanwhile, which tells nothing of how he waits. */
const restMs = 1000;
const keptMs = 10_000;

type PacePolicy = Pick<Policy, 'lingerMaxMs' | 'maxQueuedCallsPerUser' | 'maxUsers'>;

export class Paces {
  /** Later than that after an answer nothing looks like its companion. */
  readonly #soonMs: number;
  readonly #mostWaiting: number;
  readonly #mostIdle: number;
  readonly #paces = new Map<string, Pace>();
  /** Those of users with nothing unanswered, the longest idle first. */
  readonly #idle = new ArrivalList<Pace>();

  constructor({ lingerMaxMs, maxQueuedCallsPerUser, maxUsers }: PacePolicy) {
    this.#soonMs = lingerMaxMs;
    this.#mostWaiting = maxQueuedCallsPerUser;
    this.#mostIdle = maxUsers;
  }

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

  /** When the call comes in the shadow; `undefined`: once the answers have come that it waits for. */
  arrives(call: ShadowCall, nowMs: number): number | undefined {
    const { pace } = call;
    const opens = pace.unanswered === 0;
    const sinceMs = nowMs - pace.answeredAtMs;
    if (!opens || (sinceMs > this.#soonMs && sinceMs < restMs)) pace.inARow = 0;
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

  /** The call was really answered, or its caller left. */
  answered({ pace }: ShadowCall, nowMs: number): void {
    pace.unanswered -= 1;
    pace.answeredAtMs = nowMs;
    this.#rest(pace, nowMs);
  }

  /** The call is over in the shadow. @returns calls that come now, each with its time in `atMs` */
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

  /** A client that is that far behind would not have sent so many calls: those are left out. */
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
