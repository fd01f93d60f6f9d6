/** The faults that a test has scripted, with rules for the requests that they affect. */
import { type Fault, type RequestKind, requestKindsOf } from './fault.ts';

/** Conditions of a rule. A condition that is absent matches every request. */
interface FaultTrigger {
  readonly kind?: RequestKind;
  readonly method?: string;
  /** A string must equal the target or its path without the query. A RegExp searches the target. */
  readonly target?: string | RegExp;
  readonly user?: string;
  /** Value of `Host`; letter case does not matter. */
  readonly host?: string;
  /** Name of the server, such as `fe02.pool.example`. */
  readonly server?: string;
}

export interface FaultRule {
  readonly on: FaultTrigger;
  /** Number of requests that the rule affects; default 1. Infinity is allowed. */
  readonly times?: number;
  /** Number of matching requests to skip first; default 0. */
  readonly skip?: number;
  /** One fault, or several that happen to the same request. */
  readonly fault: Fault | readonly Fault[];
}

/** A request or part that rules are matched with. */
export interface FaultSubject {
  readonly kind: RequestKind;
  readonly method: string;
  readonly target: string;
  readonly user: string | undefined;
  readonly host: string;
  readonly server: string;
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
    faults.every((fault) => requestKindsOf[fault.kind].includes(subject.kind)) &&
    (on.method === undefined || on.method === subject.method) &&
    (on.user === undefined || on.user === subject.user) &&
    (on.host === undefined || on.host.toLowerCase() === subject.host.toLowerCase()) &&
    (on.server === undefined || on.server === subject.server) &&
    (on.target === undefined ||
      (typeof on.target === 'string'
        ? on.target === subject.target || on.target === subject.target.split('?')[0]
        : subject.target.search(on.target) !== -1))
  );
}

/**
 * Rules in the order of `add`. Each request gets the faults of at most one rule: the first one that
 * matches, has skipped enough, and is not used up. So two rules of one time each affect two requests.
 */
export class FaultScript {
  #rules: ArmedRule[] = [];

  /** Adds a rule. @throws RangeError if the fault cannot happen to `on.kind`, such as a truncated part */
  add(rule: FaultRule): void {
    const faults: readonly Fault[] = 'kind' in rule.fault ? [rule.fault] : rule.fault;
    for (const { kind } of faults) {
      if (rule.on.kind === undefined || requestKindsOf[kind].includes(rule.on.kind)) continue;
      throw new RangeError(`fault ${kind} does not happen to a ${rule.on.kind}`);
    }
    this.#rules.push({ on: rule.on, faults, skip: rule.skip ?? 0, times: rule.times ?? 1 });
  }

  /** Removes all rules. */
  clear(): void {
    this.#rules = [];
  }

  /** Only for the simulator: returns the faults of this request, and counts them as used. */
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
