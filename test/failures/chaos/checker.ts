/**
 * Compares each call, its answer, and the calls that the pool ran. The nonce of a call is `n` and a
 * number from 0. A call takes a few bytes, so that millions of calls fit.
 */
import type { CallOutcome } from './outcome.ts';

/** The promise that is checked for a call. */
export type CallKind =
  /** May run more than once. */
  | 'read'
  /** Runs at most once. */
  | 'write'
  /** Carries no nonce, so the number of runs is unknown. Its answer names the user. */
  | 'anonymous';

/** Calls that the pool ran. The lists have the same order. */
export interface Executions {
  readonly nonces: readonly string[];
  readonly users: readonly string[];
}

const kinds: readonly CallKind[] = ['read', 'write', 'anonymous'];
const outcomes: readonly CallOutcome[] = [
  ...(['pending', 'answered', 'poolError', 'refused429', 'notExecuted', 'unknown'] as const),
  ...(['brokenOff', 'left', 'unanswered'] as const),
];
/** Violations of each kind that are listed. */
const maxNamed = 5;

export class Checker {
  readonly #kinds = new Bytes();
  readonly #outcomes = new Bytes();
  readonly #runs = new Bytes();
  readonly #usersOfCalls = new Bytes();
  readonly #found = new Violations();
  issued = 0;

  /**
   * Records a call before it is sent.
   *
   * @returns its number
   */
  issue(kind: CallKind, user: number): number {
    this.issued += 1;
    this.#kinds.push(kinds.indexOf(kind));
    this.#outcomes.push(0);
    this.#runs.push(0);
    return this.#usersOfCalls.push(user);
  }

  /** Records the outcome that the caller saw. */
  settle(call: number, outcome: CallOutcome): void {
    if (this.#outcomes.at(call) !== 0) this.violation(`call ${call} ended twice`);
    this.#outcomes.set(call, outcomes.indexOf(outcome));
  }

  /** Records the calls that the pool ran. */
  ran({ nonces, users }: Executions): void {
    nonces.forEach((nonce, i) => {
      const call = Number(nonce.slice(1));
      const user = users[i] ?? '';
      if (!nonce.startsWith('n') || call >= this.issued) {
        this.violation(`the pool ran ${nonce}, which no caller sent`);
        return;
      }
      this.#runs.set(call, Math.min(255, this.#runs.at(call) + 1));
      if (user !== userName(this.#usersOfCalls.at(call))) {
        this.violation(`call ${call} ran with the credential of ${user}`);
      }
    });
  }

  violation(what: string): void {
    this.#found.add(what);
  }

  /** Number of calls with each outcome. */
  counts(): Record<CallOutcome | 'writes', number> {
    const counts = { writes: 0 } as Record<CallOutcome | 'writes', number>;
    for (const outcome of outcomes) counts[outcome] = 0;
    for (let call = 0; call < this.issued; call += 1) {
      counts[outcomes[this.#outcomes.at(call)] ?? 'pending'] += 1;
      if (kinds[this.#kinds.at(call)] === 'write') counts.writes += 1;
    }
    return counts;
  }

  /**
   * All violations, once all calls have ended and the pool has reported all runs. Only some of each
   * kind are listed.
   */
  violations(): readonly string[] {
    const all = new Violations(this.#found);
    for (let call = 0; call < this.issued; call += 1) {
      const what = verdict(
        kinds[this.#kinds.at(call)] ?? 'read',
        outcomes[this.#outcomes.at(call)] ?? 'pending',
        this.#runs.at(call),
      );
      if (what !== undefined) all.add(`call ${call} ${what}`);
    }
    return all.named;
  }
}

/** Groups violations by their words, without the numbers in them. */
class Violations {
  readonly named: string[] = [];
  readonly #counts = new Map<string, number>();

  constructor(before?: Violations) {
    for (const what of before?.named ?? []) this.add(what);
  }

  add(what: string): void {
    const kind = what.replaceAll(/ \(.*?\)|\d+|:.*/g, '');
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count <= maxNamed) this.named.push(what);
    else if (count === maxNamed + 1) this.named.push(`more like ${what}`);
  }
}

/** Name of the user with that index, from 0 to 255. */
export function userName(index: number): string {
  return `u${index}`;
}

/** Returns the violation of a call, or undefined. */
function verdict(kind: CallKind, outcome: CallOutcome, runs: number): string | undefined {
  if (outcome === 'pending') return 'has no answer';
  if (kind === 'anonymous') return undefined;
  if (kind === 'write' && runs > 1) return `is unsafe and ran ${runs} times (${outcome})`;
  if (outcome === 'answered' && runs === 0) return 'was answered and did not run';
  if (outcome === 'notExecuted' && runs > 0) return 'was reported as not run, and ran';
  if (outcome === 'refused429' && kind === 'write' && runs > 0) return 'was refused, and ran';
  return undefined;
}

/** A growing list of bytes. */
class Bytes {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  /** @returns the index of the value */
  push(value: number): number {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length] = value;
    this.#length += 1;
    return this.#length - 1;
  }

  at(place: number): number {
    return this.#bytes[place] ?? 0;
  }

  set(place: number, value: number): void {
    this.#bytes[place] = value;
  }
}
