/**
 * A phone that wakes up, hears 200 events, and reads about 100 resources, in virtual time. The scheduler and the
 * priming are the real ones.
 */
import { readHead } from '../../src/core/admit/request-head.ts';
import { AskAhead, type AskAheadSink } from '../../src/core/priming/ask-ahead.ts';
import { DueGets } from '../../src/core/priming/due-gets.ts';
import { PrimedAnswers } from '../../src/core/priming/primed-answers.ts';
import { batchKey } from '../../src/core/ucwa/batch-key.ts';
import { fraction } from './fraction.ts';
import { LimitedPool } from './limited-pool.ts';
import { application } from './played-call.ts';
import { type Traffic, tookMs } from './traffics.ts';

export const modes = ['direct', 'off', 'hold', 'ask'] as const;
type Mode = (typeof modes)[number];

/** The place of the proxy between the phone and the pool. Both ways together take 30 ms. */
export interface Place {
  readonly name: string;
  /** Travel time from the phone to the proxy, and again on the way back. */
  readonly phoneMs: number;
  readonly poolMs: number;
}

export const places: readonly Place[] = [
  { name: 'half way', phoneMs: 15, poolMs: 15 },
  { name: 'beside the pool', phoneMs: 29, poolMs: 1 },
  { name: 'beside the phone', phoneMs: 1, poolMs: 29 },
];

export interface Storm {
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** GETs of the phone. */
  readonly gets: number;
  /** Requests to the pool. */
  readonly requests: number;
  /** GETs that the pool answered in vain, as a share of all that it answered. */
  readonly waste: number;
}

const user = 'phone';
const key = batchKey(application, readHead(['Authorization', user]), 'pool', []);

/** Each answer of the event channel has 50 events. The phone reads the resources of 25 of them, almost always. */
const answersEach = 4;
const betweenAnswersMs = 300;
const betweenWakeUpsMs = 10_000;
const readShare = 0.97;
/** Time in which the phone reads an answer, and the time between two of its GETs. */
const thinkMs = { least: 20, most: 40 };
const gapMs = { least: 0.1, most: 0.6 };
/** The pool takes about 10 ms for presence, and 12 ms for a note. */
const traffic: Traffic = {
  ...{ name: 'event storm', about: '', routeMs: 17, measuredMs: 0 },
  start: () => undefined,
};
const learning = 10;
const measured = 20;

interface Event {
  readonly rel: string;
  readonly path: string;
}

function eventsOf(answer: number): Event[] {
  return Array.from({ length: 50 }, (_, i) => {
    const contact = `people/c${answer * 50 + i}`;
    if (i % 4 === 0) return { rel: 'contactPresence', path: `${contact}/presence` };
    if (i % 4 === 2) return { rel: 'contactNote', path: `${contact}/note` };
    return { rel: 'contact', path: contact };
  });
}

function between({ least, most }: { least: number; most: number }, name: string): number {
  return least + (most - least) * fraction(name);
}

/** @param connections number of GETs that the phone has under way at most */
export function playStorm(mode: Mode, place: Place, connections = Infinity): Storm {
  const phone = new StormPhone(mode, place, connections);
  for (let n = 0; n < learning + measured; n += 1) phone.wakesUp(n, n * betweenWakeUpsMs);
  return phone.result(learning * betweenWakeUpsMs, (learning + measured) * betweenWakeUpsMs);
}

class StormPhone {
  readonly #mode: Mode;
  readonly #place: Place;
  readonly #connections: number;
  readonly #pool: LimitedPool;
  readonly #due = new DueGets();
  readonly #answers: PrimedAnswers<() => void>;
  readonly #ahead: AskAhead<() => void>;
  readonly #queue: Array<() => void> = [];
  #underWay = 0;
  #waitsMs: number[] = [];
  #others = 0;
  #asked = 0;
  #used = 0;

  constructor(mode: Mode, place: Place, connections: number) {
    this.#mode = mode;
    this.#place = place;
    this.#connections = connections;
    const expectedGets = mode === 'hold' || mode === 'ask' ? this.#due : undefined;
    this.#pool = new LimitedPool(
      {
        limit: () => 1000,
        routeMs: (target) => routeMs(target.slice(application.length + 1)),
        wayMs: place.poolMs,
      },
      { expectedGets },
    );
    this.#pool.core.passedThrough(user, 1, true, 0);
    this.#readsOneByOne(0);
    const limits = { maxEach: 128, max: 8192, maxBytesEach: 1000, maxBytes: 1_000_000 };
    this.#answers = new PrimedAnswers<() => void>(limits, {
      answer: (done) => {
        this.#used += 1;
        done();
      },
      sendOn: () => {
        throw new Error('no primed call fails here');
      },
      over: (get, outcome) => this.#ahead.over(get, outcome),
    });
    const sink: AskAheadSink<() => void> = {
      spareRoom: (name) => this.#pool.core.spareRoom(name, this.#pool.nowMs),
      send: (gets) => {
        for (const { get } of gets) {
          this.#asked += 1;
          const path = get.question.target.slice(application.length + 1);
          this.#pool.ask(user, () => this.#arrived(get), { path });
        }
      },
    };
    this.#ahead = new AskAhead(this.#due, this.#answers, sink, 1_000_000);
  }

  /** Reads something else again and again, each time after the last answer. No storm is under way then. */
  #readsOneByOne(number: number): void {
    const pool = this.#pool;
    const inStorm = pool.nowMs % betweenWakeUpsMs < 4000;
    pool.after(inStorm ? 4000 : 150, () => {
      if (inStorm) this.#readsOneByOne(number);
      else if (this.#mode !== 'direct') {
        this.#others += 1;
        pool.ask(user, () => this.#readsOneByOne(number + 1), { path: `me/location?n=${number}` });
      }
    });
  }

  wakesUp(number: number, atMs: number): void {
    for (let answer = 0; answer < answersEach; answer += 1) {
      this.#pool.after(atMs + answer * betweenAnswersMs, () => this.#hears(number, answer));
    }
  }

  result(fromMs: number, untilMs: number): Storm {
    this.#pool.until(fromMs - 1);
    this.#waitsMs = [];
    this.#others = 0;
    this.#asked = 0;
    this.#used = 0;
    const { requests } = this.#pool.until(untilMs);
    const waits = this.#waitsMs.sort((a, b) => a - b);
    const at = (part: number): number => waits[Math.floor(waits.length * part)] ?? 0;
    const wasted = this.#asked - this.#used;
    return {
      ...{ p50Ms: at(0.5), p95Ms: at(0.95), gets: waits.length },
      requests: this.#mode === 'direct' ? waits.length : requests - this.#others,
      waste: wasted / (waits.length + wasted),
    };
  }

  /** An answer of the event channel passes the proxy. */
  #hears(number: number, answer: number): void {
    const pool = this.#pool;
    const events = eventsOf(answer);
    const changes = events.map(({ rel, path }) => ({
      ...{ rel, type: 'updated' },
      target: `${application}/${path}`,
    }));
    const named = this.#due.changed(user, application, changes, pool.nowMs);
    if (this.#mode === 'ask') {
      this.#ahead.changed(key, changes, named, pool.nowMs);
      pool.after(2000, () => this.#answers.wake(pool.nowMs));
    }
    const name = `${number} ${answer}`;
    let inMs = this.#place.phoneMs + between(thinkMs, `${name} thinks`);
    for (const { rel, path } of events) {
      if (rel === 'contact' || fraction(`${name} ${path} is read`) > readShare) continue;
      inMs += between(gapMs, `${name} ${path}`);
      pool.after(inMs, () => this.#wants(path));
    }
  }

  #wants(path: string): void {
    const sinceMs = this.#pool.nowMs;
    this.#queue.push(() => {
      this.#sends(path, () => {
        this.#waitsMs.push(this.#pool.nowMs - sinceMs);
        this.#underWay -= 1;
        this.#sendNext();
      });
    });
    this.#sendNext();
  }

  #sendNext(): void {
    if (this.#underWay >= this.#connections) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#underWay += 1;
    next();
  }

  #sends(path: string, done: () => void): void {
    const pool = this.#pool;
    const { phoneMs, poolMs } = this.#place;
    if (this.#mode === 'direct') {
      pool.after(2 * (phoneMs + poolMs) + routeMs(path), done);
      return;
    }
    const home = (): void => pool.after(phoneMs, done);
    pool.after(phoneMs, () => this.#arrives(path, home));
  }

  /** A GET of the phone arrives at the proxy. */
  #arrives(path: string, done: () => void): void {
    const { nowMs } = this.#pool;
    const question = { key, target: `${application}/${path}`, fields: '' };
    const relation = this.#due.asked(key, question.target, nowMs);
    if (this.#mode === 'ask') {
      if (relation !== undefined) this.#ahead.asked(relation, { ...question, headers: [] }, nowMs);
      if (this.#answers.take(question, done, nowMs) !== undefined) return;
    }
    this.#pool.ask(user, done, { path });
  }

  #arrived(get: Parameters<AskAhead<() => void>['over']>[0]): void {
    const reply = { status: 200, reason: '', headers: [], body: Buffer.alloc(0) };
    this.#answers.arrived(get, reply, this.#pool.nowMs);
  }
}

function routeMs(path: string): number {
  return tookMs(traffic, path) * (path.endsWith('/presence') ? 0.6 : 0.7);
}
