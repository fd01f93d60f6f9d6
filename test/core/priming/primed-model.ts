/**
 * A pool of resources with versions, beside the answers that the proxy asked for. Each answer that a client gets is
 * compared with the versions that the pool could have given to the same GET.
 */
import fc from 'fast-check';
import type { Reply } from '../../../src/core/messages/reply.ts';
import {
  freshForMs,
  PrimedAnswers,
  type PrimedGet,
  type PrimedOutcome,
  type Question,
} from '../../../src/core/priming/primed-answers.ts';
import { aKey, app } from '../../support/recording-sink.ts';

const paths = ['people/a', 'people/a/note', 'people/b', 'me'] as const;
const users = ['ann', 'bob'] as const;

// Most commands concern one user and one resource, so that they meet.
const resource = fc.constantFrom(0, 0, 0, 1, 2, 3);
const user = fc.constantFrom(0, 0, 0, 0, 1);
const variant = fc.constantFrom('f', 'f', 'f', 'f', 'f', 'g');
/** One thing that happens. */
export const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('event' as const), user, resource }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), at: fc.nat(3) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('arrive' as const),
      at: fc.nat(3),
      fails: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('get' as const),
      ...{
        user,
        resource,
        fields: variant,
        cookie: fc.constantFrom(...Array<undefined>(5).fill(undefined), 'c'),
      },
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), at: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('write' as const), user, resource }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('run' as const), at: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      at: fc.nat(3),
      isAnswered: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('change' as const), resource }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 1, 5, 60, 1000, 1999, 2000, 31_000),
    }),
  },
);
export type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

/** A rule of the proxy that a test leaves out. The model must find that. */
export type Leak =
  'writes' | 'late writes' | 'events' | 'age' | 'fields' | 'cookies' | 'users' | 'once';

interface Waiter {
  readonly question: Question;
  readonly user: number;
  readonly resource: number;
  readonly askedAtMs: number;
  isOver: boolean;
}

interface Write {
  readonly user: number;
  readonly resource: number;
  hasRun: boolean;
  isOver: boolean;
}

/** A GET of the proxy, on its way. `version`: what the pool read. */
interface Travelling {
  readonly get: PrimedGet<Waiter>;
  readonly resource: number;
  version: number | undefined;
}

export class PrimedModel {
  readonly faults: string[] = [];
  readonly outcomes: PrimedOutcome[] = [];
  nowMs = 0;
  readonly #leak: Leak | undefined;
  readonly #answers: PrimedAnswers<Waiter>;
  /** For each resource: since when each version is current, in ms. */
  readonly #versions: number[][] = paths.map(() => [0]);
  /** For each user and resource: time of the last event that the client got, or of its last write that was answered. */
  readonly #knownSinceMs = users.map(() => paths.map(() => -Infinity));
  #travelling: Travelling[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #following = new Map<Waiter, PrimedGet<Waiter>>();
  readonly #writes: Write[] = [];

  constructor(leak?: Leak) {
    this.#leak = leak;
    const limits = { maxEach: 4, max: 6, maxBytesEach: 1000, maxBytes: 1500 };
    this.#answers = new PrimedAnswers<Waiter>(limits, {
      answer: (waiter, reply) => this.#answered(waiter, reply),
      sendOn: (waiter) => this.#over(waiter),
      over: (_, outcome) => this.outcomes.push(outcome),
    });
  }

  run(what: Command): void {
    this.#one(what);
    if (this.#answers.size > 6) this.faults.push('too many GETs');
    if (this.#answers.bytes > 1500 || this.#answers.bytes < 0) this.faults.push('too many bytes');
  }

  /** Lets all time pass. Nothing may be left. */
  finish(): void {
    this.#one({ kind: 'advance', ms: 31_000 });
    if (this.#answers.size + this.#answers.bytes > 0) this.faults.push('something is left');
    if (this.#following.size > 0) this.faults.push('a client waits for ever');
  }

  #one(what: Command): void {
    const answers = this.#answers;
    switch (what.kind) {
      case 'event':
        this.#event(what.user, what.resource);
        return;
      case 'read': {
        const one = pick(this.#travelling, what.at);
        if (one !== undefined) one.version ??= this.#versions[one.resource]!.length - 1;
        return;
      }
      case 'arrive': {
        const one = pick(this.#travelling, what.at);
        if (one === undefined) return;
        this.#travelling = this.#travelling.filter((other) => other !== one);
        one.version ??= this.#versions[one.resource]!.length - 1;
        answers.arrived(one.get, what.fails ? undefined : replyTo(one), this.nowMs);
        return;
      }
      case 'get':
        this.#get(what);
        return;
      case 'leave': {
        const [waiter, get] = pick([...this.#following], what.at) ?? [];
        if (waiter === undefined || get === undefined) return;
        this.#over(waiter);
        answers.left(get);
        return;
      }
      case 'write':
        this.#writes.push({ ...what, hasRun: false, isOver: false });
        if (this.#leak !== 'writes') answers.writeBegan(users[what.user]);
        return;
      case 'run': {
        const write = pick(
          this.#writes.filter(({ hasRun }) => !hasRun),
          what.at,
        );
        if (write !== undefined) this.#runs(write);
        return;
      }
      case 'end': {
        const write = pick(
          this.#writes.filter(({ isOver }) => !isOver),
          what.at,
        );
        if (write !== undefined) this.#ends(write, what.isAnswered);
        return;
      }
      case 'change':
        this.#versions[what.resource]!.push(this.nowMs);
        return;
      case 'advance':
        this.nowMs += what.ms;
        // A write without an answer has run after half a minute at the latest.
        if (what.ms > 30_000) for (const write of this.#writes) this.#runs(write);
        if (this.#leak !== 'age' && answers.nextAtMs <= this.nowMs) answers.wake(this.nowMs);
        return;
    }
  }

  #event(user: number, resource: number): void {
    const target = targetOf(resource);
    const name = users[user]!;
    this.#versions[resource]!.push(this.nowMs);
    this.#knownSinceMs[user]![resource] = this.nowMs;
    if (this.#leak !== 'events') {
      this.#answers.changed(name, [{ rel: 'x', type: 'updated', target }]);
    }
    if (this.#answers.roomFor(name, this.nowMs) <= 0) return;
    const question = questionOf(user, resource, 'f', undefined);
    const get = this.#answers.ask(question, this.nowMs);
    if (get !== undefined) this.#travelling.push({ get, resource, version: undefined });
  }

  #get({ user, resource, fields, cookie }: Command & { kind: 'get' }): void {
    const real = questionOf(user, resource, fields, cookie);
    const seen = questionOf(
      this.#leak === 'users' ? 0 : user,
      resource,
      this.#leak === 'fields' ? 'f' : fields,
      this.#leak === 'cookies' ? undefined : cookie,
    );
    const waiter = { question: real, user, resource, askedAtMs: this.nowMs, isOver: false };
    this.#waiters.push(waiter);
    const get = this.#answers.take(seen, waiter, this.#leak === 'age' ? 0 : this.nowMs);
    if (get?.waiter === waiter) this.#following.set(waiter, get);
    if (this.#leak !== 'once' || get?.reply === undefined || !waiter.isOver) return;
    const again = this.#answers.ask(get.question, get.askedAtMs);
    if (again !== undefined) this.#answers.arrived(again, get.reply, get.askedAtMs);
  }

  #runs(write: Write): void {
    if (write.hasRun) return;
    write.hasRun = true;
    this.#versions[write.resource]!.push(this.nowMs);
  }

  #ends(write: Write, isAnswered: boolean): void {
    if (isAnswered) {
      this.#runs(write);
      this.#knownSinceMs[write.user]![write.resource] = this.nowMs;
    }
    write.isOver = true;
    if (this.#leak === 'writes') return;
    const isKnown = isAnswered || this.#leak === 'late writes';
    this.#answers.writeEnded(users[write.user]!, isKnown, this.nowMs);
  }

  #answered(waiter: Waiter, { body, asked }: Reply): void {
    const { question, user, resource } = waiter;
    const [said = '', number = ''] = body.toString().split(' v');
    if (waiter.isOver) this.faults.push('a second answer');
    this.#over(waiter);
    if (said !== textOf(question)) {
      this.faults.push(`the answer to ${said}`);
      return;
    }
    const versions = this.#versions[resource]!;
    const version = Number(number);
    const endMs = versions[version + 1] ?? Infinity;
    const sinceMs = Math.max(this.#knownSinceMs[user]![resource]!, waiter.askedAtMs - freshForMs);
    const mayRun = this.#writes.some(
      (write) =>
        write.user === user && write.resource === resource && write.isOver && !write.hasRun,
    );
    if (mayRun) this.faults.push('a write may run still');
    if (endMs <= sinceMs && !(endMs === sinceMs && versions[version] === endMs)) {
      this.faults.push(`version ${version} of ${textOf(question)} at ${this.nowMs}`);
    }
    if (this.#used.has(asked)) this.faults.push('an answer was given twice');
    this.#used.add(asked);
  }

  readonly #used = new Set<unknown>();

  #over(waiter: Waiter): void {
    waiter.isOver = true;
    this.#following.delete(waiter);
  }
}

function pick<I>(items: readonly I[], at: number): I | undefined {
  return items[at % items.length];
}

function targetOf(resource: number): string {
  return `${app}/${paths[resource]!}`;
}

function questionOf(
  user: number,
  resource: number,
  fields: string,
  cookie: string | undefined,
): Question {
  return { key: aKey(users[user]!, app, cookie), target: targetOf(resource), fields };
}

function textOf({ key, target, fields }: Question): string {
  return `${key.user} ${key.cookie ?? ''} ${target} ${fields}`;
}

function replyTo({ get, version }: Travelling): Reply {
  const body = Buffer.from(`${textOf(get.question)} v${version ?? 0}`);
  // Each answer has an object of its own, by which a second use of it is seen.
  return { status: 200, reason: '', headers: [], body, asked: { ...get.question } };
}
