/**
 * The health of one pool, from the failures of its requests and from checks that open a connection.
 *
 *     unknown, unreachable --a check passes--> reachable
 *     unknown, reachable --a check fails--> unreachable
 *
 * The failures of one kind are an episode. The first failure begins it, and is reported. The end of the episode is
 * reported too:
 *
 * - A failure to connect ends when a check passes, at the earliest `settleMs` after the last such failure.
 * - Any other failure ends after `quietMs` without a further one.
 */
import { isConnectionKind, type UpstreamErrorKind } from './upstream-errors.ts';

export interface HealthObserver {
  /** @param code the error code of the system, if there is one */
  began(kind: UpstreamErrorKind, code: string | undefined): void;
  /** @param failures number of failures of this kind since `began` */
  ended(kind: UpstreamErrorKind, failures: number, lastedMs: number): void;
}

export interface CheckTimes {
  /** Time between two checks of a pool that works, in ms. */
  readonly everyMs: number;
  /** Time between two checks of a pool that cannot be reached, in ms. */
  readonly whileFailingMs: number;
}

export interface CheckFailure {
  readonly kind: UpstreamErrorKind;
  readonly code: string | undefined;
}

export type Reachability =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'reachable' }
  | { readonly kind: 'unreachable'; readonly failure: CheckFailure; readonly sinceMs: number };

interface Episode {
  readonly sinceMs: number;
  lastMs: number;
  failures: number;
}

/** Bounds how often a connection that flaps is reported, in ms. */
const settleMs = 2000;
const quietMs = 60_000;

export class PoolHealth {
  readonly #observer: HealthObserver;
  readonly #times: CheckTimes;
  /** Whether the pool has other servers, so that one failed connection is not a failure of the pool. */
  readonly #hasOthers: boolean;
  readonly #episodes = new Map<UpstreamErrorKind, Episode>();
  #reachability: Reachability = { kind: 'unknown' };
  #checkedAtMs = -Infinity;
  /** Whether a request could not connect since the last check. */
  #isDoubted = false;

  constructor(observer: HealthObserver, times: CheckTimes, hasOthers: boolean) {
    this.#observer = observer;
    this.#times = times;
    this.#hasOthers = hasOthers;
  }

  get reachability(): Reachability {
    return this.#reachability;
  }

  /** A request failed. */
  failed(kind: UpstreamErrorKind, code: string | undefined, nowMs: number): void {
    if (isConnectionKind(kind)) {
      this.#isDoubted = true;
      if (this.#hasOthers) return;
    }
    this.#note(kind, code, nowMs);
  }

  /** Whether a check is due. */
  isDue(nowMs: number): boolean {
    const isWell = this.#reachability.kind === 'reachable' && !this.#hasConnectionEpisode();
    const waitMs = isWell && !this.#isDoubted ? this.#times.everyMs : this.#times.whileFailingMs;
    return nowMs - this.#checkedAtMs >= waitMs;
  }

  /** A check begins. */
  checking(nowMs: number): void {
    this.#checkedAtMs = nowMs;
    this.#isDoubted = false;
  }

  /** @param failure `undefined` if a server of the pool took a connection */
  checked(failure: CheckFailure | undefined, nowMs: number): void {
    const before = this.#reachability;
    if (failure === undefined) {
      this.#reachability = { kind: 'reachable' };
      this.#endQuiet(nowMs);
      return;
    }
    const sinceMs = before.kind === 'unreachable' ? before.sinceMs : nowMs;
    this.#reachability = { kind: 'unreachable', failure, sinceMs };
    this.#note(failure.kind, failure.code, nowMs);
  }

  /** Ends the episodes that are over. To be called every second or so. */
  tick(nowMs: number): void {
    this.#endQuiet(nowMs);
  }

  #note(kind: UpstreamErrorKind, code: string | undefined, nowMs: number): void {
    const episode = this.#episodes.get(kind);
    if (episode === undefined) {
      this.#episodes.set(kind, { sinceMs: nowMs, lastMs: nowMs, failures: 1 });
      this.#observer.began(kind, code);
    } else {
      episode.failures += 1;
      episode.lastMs = nowMs;
    }
  }

  #endQuiet(nowMs: number): void {
    for (const [kind, { sinceMs, lastMs, failures }] of [...this.#episodes]) {
      if (nowMs - lastMs < this.#waitFor(kind, lastMs)) continue;
      this.#episodes.delete(kind);
      this.#observer.ended(kind, failures, nowMs - sinceMs);
    }
  }

  /** Returns the time after the last failure in which the episode goes on, in ms. */
  #waitFor(kind: UpstreamErrorKind, lastMs: number): number {
    if (!isConnectionKind(kind)) return quietMs;
    switch (this.#reachability.kind) {
      case 'unreachable':
        return Infinity;
      case 'reachable':
        return this.#checkedAtMs > lastMs ? settleMs : quietMs;
      case 'unknown':
        return quietMs;
    }
  }

  #hasConnectionEpisode(): boolean {
    for (const kind of this.#episodes.keys()) if (isConnectionKind(kind)) return true;
    return false;
  }
}
