/** The list of faults that a test has ordered, and to which requests they happen. */
import { type Fault, type Scene, scenesOf } from './fault.ts';

/** Which requests a rule is about; what is left out matches all. */
interface FaultTrigger {
  readonly kind?: Scene;
  readonly method?: string;
  /** A string equals the whole target or its path without the query; a RegExp is tried on the whole target. */
  readonly target?: string | RegExp;
  readonly user?: string;
}

export interface FaultRule {
  readonly on: FaultTrigger;
  /** How often it happens; default 1. Infinity is allowed. */
  readonly times?: number;
  /** How many matching requests go by unharmed first; default 0. */
  readonly skip?: number;
  /** One fault, or several that happen to the same request. */
  readonly fault: Fault | readonly Fault[];
}

/** What a rule is tried on. */
export interface FaultSubject {
  readonly kind: Scene;
  readonly method: string;
  readonly target: string;
  readonly user: string | undefined;
}

interface ArmedRule {
  readonly on: FaultTrigger;
  readonly faults: readonly Fault[];
  skip: number;
  times: number;
}

function matches({ on, faults }: ArmedRule, subject: FaultSubject): boolean {
  return (
    (on.kind === undefined || on.kind === subject.kind) &&
    faults.every((fault) => scenesOf[fault.kind].includes(subject.kind)) &&
    (on.method === undefined || on.method === subject.method) &&
    (on.user === undefined || on.user === subject.user) &&
    (on.target === undefined ||
      (typeof on.target === 'string'
        ? on.target === subject.target || on.target === subject.target.split('?')[0]
        : subject.target.search(on.target) !== -1))
  );
}

/**
 * Rules in order of `add`. The first rule that matches a request and is neither spent nor still
 * skipping harms it, alone: two rules of one time each harm two requests, one after the other.
 */
export class FaultScript {
  #rules: ArmedRule[] = [];

  /** Throws a RangeError for a fault that cannot happen to `on.kind`, as a truncated part. */
  add(rule: FaultRule): void {
    const faults: readonly Fault[] = 'kind' in rule.fault ? [rule.fault] : rule.fault;
    for (const { kind } of faults) {
      if (rule.on.kind === undefined || scenesOf[kind].includes(rule.on.kind)) continue;
      throw new RangeError(`fault ${kind} does not happen to a ${rule.on.kind}`);
    }
    this.#rules.push({ on: rule.on, faults, skip: rule.skip ?? 0, times: rule.times ?? 1 });
  }

  /** No more faults. */
  clear(): void {
    this.#rules = [];
  }

  /** The simulator's own: the faults of this request, used up by asking. */
  take(subject: FaultSubject): readonly Fault[] {
    for (const rule of this.#rules) {
      if (!matches(rule, subject)) continue;
      if (rule.skip > 0) {
        rule.skip--;
        continue;
      }
      rule.times--;
      if (rule.times <= 0) this.#rules = this.#rules.filter((other) => other !== rule);
      return rule.faults;
    }
    return [];
  }
}
