/**
 * Who asked what, what each was told, and what the pool ran: held against each other. A call is
 * known everywhere by its nonce, `n` and a number from 0. Some bytes a call, so that millions fit.
 */
import type { CallOutcome } from './outcome.ts';

/** How a call may be told apart from others. */
export type CallKind =
  /** May run more than once. */
  | 'read'
  /** Runs at most once. */
  | 'write'
  /** Carries no nonce, so nobody knows whether it ran; its answer names the user. */
  | 'anonymous';

/** Executions that the pool reports, each at the same place of the three lists. */
export interface Executions {
  readonly nonces: readonly string[];
  readonly users: readonly string[];
}

const kinds: readonly CallKind[] = ['read', 'write', 'anonymous'];
const outcomes: readonly CallOutcome[] = [
  ...(['pending', 'answered', 'poolError', 'refused429', 'notExecuted', 'unknown'] as const),
  ...(['brokenOff', 'left', 'unanswered'] as const),
];
/** Of each kind of violation. */
const maxNamed = 5;

export class Checker {
  readonly #kinds = new Bytes();
  readonly #outcomes = new Bytes();
  readonly #runs = new Bytes();
  readonly #usersOfCalls = new Bytes();
  readonly #found = new Violations();
  issued = 0;

  /** Notes a call that is about to leave. @returns its number */
  issue(kind: CallKind, user: number): number {
    this.issued += 1;
    this.#kinds.push(kinds.indexOf(kind));
    this.#outcomes.push(0);
    this.#runs.push(0);
    return this.#usersOfCalls.push(user);
  }

  /** Notes what became of it, as its caller sees it. */
  settle(call: number, outcome: CallOutcome): void {
    if (this.#outcomes.at(call) !== 0) this.violation(`call ${call} ended twice`);
    this.#outcomes.set(call, outcomes.indexOf(outcome));
  }

  /** Notes what the pool ran. */
  ran({ nonces, users }: Executions): void {
    nonces.forEach((nonce, i) => {
      const call = Number(nonce.slice(1));
      const user = users[i] ?? '';
      if (!nonce.startsWith('n') || call >= this.issued) {
        this.violation(`the pool ran ${nonce}, which nobody asked for`);
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

  /** How many calls had each outcome. */
  counts(): Record<CallOutcome | 'writes', number> {
    const counts = { writes: 0 } as Record<CallOutcome | 'writes', number>;
    for (const outcome of outcomes) counts[outcome] = 0;
    for (let call = 0; call < this.issued; call += 1) {
      counts[outcomes[this.#outcomes.at(call)] ?? 'pending'] += 1;
      if (kinds[this.#kinds.at(call)] === 'write') counts.writes += 1;
    }
    return counts;
  }

  /** Everything that must not be, once all calls have ended and the pool has told all; some are named. */
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

/** Told apart by their words, whatever the numbers in them. */
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

/** Of the user with that index, from 0 to 255. */
export function userName(index: number): string {
  return `u${index}`;
}

/** What is wrong with a call of which this is known; undefined if nothing. */
function verdict(kind: CallKind, outcome: CallOutcome, runs: number): string | undefined {
  if (outcome === 'pending') return 'has no answer';
  if (kind === 'anonymous') return undefined;
  if (kind === 'write' && runs > 1) return `is unsafe and ran ${runs} times (${outcome})`;
  if (outcome === 'answered' && runs === 0) return 'was answered and did not run';
  if (outcome === 'notExecuted' && runs > 0) return 'was said not to have run, and ran';
  if (outcome === 'refused429' && kind === 'write' && runs > 0) return 'was refused, and ran';
  return undefined;
}

/** A list of small numbers. */
class Bytes {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  /** @returns the place */
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
