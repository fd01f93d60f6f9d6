/** A model of operations and answers of event channels, with the promises that the core keeps. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  doubtMs,
  type HeldAnswer,
  maxHoldMs,
  type Operation,
} from '../../../src/core/events/event-holds.ts';
import { HoldsRig, invitations, names } from './events-rig.ts';

interface ModelOperation {
  readonly core: Operation<string>;
  readonly id: string | undefined;
  readonly location: string;
  readonly connection: object;
  isSent: boolean;
  isOver: boolean;
}

/** What an answer contains: the event of an operation, by its number, or of none. */
interface Content {
  readonly of: number | undefined;
  readonly showsId: boolean;
  readonly type: 'started' | 'updated';
}

interface ModelAnswer {
  readonly name: string;
  readonly chain: string;
  readonly connection: object;
  readonly content: Content;
  readonly arrivedAtMs: number;
  readonly held: HeldAnswer<string> | undefined;
  readAtMs: number | undefined;
  /** The operation that the answer names, if it was open when the answer was read. */
  waitsFor: ModelOperation | undefined;
  /** The operation of the event. */
  own: ModelOperation | undefined;
  /** The operations that the event may belong to as far as its place shows. */
  guesses: readonly ModelOperation[];
  /** Whether the answer must wait for the operation until it is over. */
  isCertain: boolean;
  wasAbandoned: boolean;
}

const connections = [{}, {}, {}];
/** One thing that happens. */
export const command = fc.oneof(
  fc.record({
    kind: fc.constant('begin' as const),
    hasId: fc.boolean(),
    isPlain: fc.boolean(),
    isSent: fc.boolean(),
    connection: fc.nat(2),
  }),
  fc.record({
    kind: fc.constantFrom('send' as const, 'answered' as const, 'over' as const),
    at: fc.nat(3),
  }),
  fc.record({
    kind: fc.constant('arrive' as const),
    of: fc.option(fc.nat(3), { nil: undefined }),
    showsId: fc.boolean(),
    type: fc.constantFrom('started' as const, 'updated' as const),
    chain: fc.constantFrom('', 'tab'),
    connection: fc.nat(2),
    isWhole: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom('read' as const, 'abandon' as const), at: fc.nat(3) }),
  fc.record({
    kind: fc.constant('advance' as const),
    ms: fc.constantFrom(1, 20, 49, 50, 700, 2000),
  }),
);

/** The holds of the core beside what they must do. Each method of the model checks the promises. */
export class HoldsModel {
  readonly rig = new HoldsRig();
  readonly operations: ModelOperation[] = [];
  readonly answers: ModelAnswer[] = [];
  #checked = 0;

  run(what: typeof command extends fc.Arbitrary<infer C> ? C : never): void {
    const { rig } = this;
    switch (what.kind) {
      case 'begin': {
        const n = this.operations.length;
        const id = what.hasId ? `o${n}` : undefined;
        const connection = connections[what.connection]!;
        const location = what.isPlain ? `${invitations}/i${n}` : `/app/elsewhere/i${n}`;
        const isSent = (): boolean => this.operations[n]!.isSent;
        const core = rig.begin(id === undefined ? [] : [id], { connection, isSent });
        const state = { isSent: what.isSent, isOver: false };
        this.operations.push({ core, id, location, connection, ...state });
        break;
      }
      case 'send':
      case 'answered': {
        const operation = this.#open(what.at);
        if (!operation) break;
        operation.isSent = true;
        if (what.kind === 'answered') rig.holds.answered(operation.core, operation.location);
        break;
      }
      case 'over': {
        const operation = this.#open(what.at);
        if (!operation) break;
        operation.isOver = true;
        rig.holds.over(operation.core);
        break;
      }
      case 'arrive':
        this.#arrive(what, what.chain, connections[what.connection]!, what.isWhole);
        break;
      case 'read': {
        const reading = this.#waiting().filter(({ readAtMs }) => readAtMs === undefined);
        const answer = reading[what.at % reading.length];
        if (answer) this.#read(answer);
        break;
      }
      case 'abandon': {
        const waiting = this.#waiting();
        const answer = waiting[what.at % waiting.length];
        if (!answer?.held) break;
        answer.wasAbandoned = true;
        rig.holds.abandon(answer.held);
        break;
      }
      case 'advance':
        this.#advance(what.ms);
        break;
    }
    this.check();
  }

  /** Moves the clock to each timer on the way. */
  #advance(ms: number): void {
    const { rig } = this;
    const endMs = rig.nowMs + ms;
    while (rig.nowMs < endMs) {
      const nextMs = Math.max(rig.holds.nextAtMs, rig.nowMs);
      rig.advance(Math.min(nextMs, endMs) - rig.nowMs);
      this.check();
    }
  }

  /** Ends everything, and checks that nothing is left. */
  finish(): void {
    for (const operation of this.operations) {
      if (operation.isOver) continue;
      operation.isOver = true;
      this.rig.holds.over(operation.core);
      this.check();
    }
    assert.deepEqual(this.#waiting(), []);
    assert.equal(this.rig.holds.isIdle, true);
    const sent = this.answers.filter(({ wasAbandoned }) => !wasAbandoned).map(({ name }) => name);
    assert.deepEqual([...this.rig.released].sort(), sent.sort());
  }

  check(): void {
    const { released, nowMs } = this.rig;
    for (const name of released.slice(this.#checked)) {
      const answer = this.answers.find((other) => other.name === name)!;
      this.#checkRelease(answer, nowMs);
    }
    this.#checked = released.length;
    for (const answer of this.#waiting()) {
      assert.ok(nowMs - answer.arrivedAtMs < maxHoldMs, answer.name);
      const { readAtMs } = answer;
      if (readAtMs === undefined || nowMs - readAtMs < doubtMs) continue;
      // After 50 ms an answer waits only for its own operation, or behind an earlier answer.
      const isOwn = this.#waitsForOwn(answer) || this.#isGuessed(answer);
      assert.deepEqual(
        [answer.name, isOwn || this.#earlier(answer).length > 0],
        [answer.name, true],
      );
    }
  }

  #waitsForOwn({ waitsFor, isCertain }: ModelAnswer): boolean {
    return waitsFor?.isOver === false && (isCertain || waitsFor.core.isAnswered);
  }

  /** Whether the answer starts a resource where that of another POST may be, and no `Location` named it. */
  #isGuessed({ own, guesses }: ModelAnswer): boolean {
    const isKnown = own?.core.isAnswered === true;
    return !isKnown && guesses.some(({ isOver, core }) => !isOver && !core.isAnswered);
  }

  #checkRelease(answer: ModelAnswer, nowMs: number): void {
    assert.equal(answer.wasAbandoned, false);
    assert.equal(this.rig.released.filter((name) => name === answer.name).length, 1);
    assert.deepEqual(this.#earlier(answer), []);
    if (answer.waitsFor === undefined || answer.waitsFor.isOver) return;
    const waitedMs = nowMs - answer.arrivedAtMs;
    const isEnough =
      waitedMs >= maxHoldMs || (!answer.isCertain && nowMs - answer.readAtMs! >= doubtMs);
    assert.deepEqual([answer.name, isEnough], [answer.name, true]);
  }

  /** Earlier answers of the same chain that are not released. */
  #earlier({ name, chain }: ModelAnswer): ModelAnswer[] {
    const at = this.answers.findIndex((other) => other.name === name);
    return this.answers
      .slice(0, at)
      .filter((other) => other.chain === chain)
      .filter((other) => this.#waiting().includes(other));
  }

  #waiting(): ModelAnswer[] {
    const released = new Set(this.rig.released);
    return this.answers.filter(({ name, wasAbandoned }) => !wasAbandoned && !released.has(name));
  }

  #open(at: number): ModelOperation | undefined {
    const open = this.operations.filter(({ isOver }) => !isOver);
    return open[at % open.length];
  }

  #arrive(content: Content, chain: string, connection: object, isWhole: boolean): void {
    const name = `a${this.answers.length}`;
    const held = this.rig.arrived(name, { chain, connection });
    const answer: ModelAnswer = {
      ...{ name, chain, connection, content, held },
      arrivedAtMs: this.rig.nowMs,
      readAtMs: undefined,
      waitsFor: undefined,
      own: undefined,
      guesses: [],
      isCertain: false,
      wasAbandoned: false,
    };
    this.answers.push(answer);
    if (held === undefined) this.rig.released.push(name);
    else if (isWhole) this.#read(answer);
  }

  #read(answer: ModelAnswer): void {
    const { content, held } = answer;
    const operation = content.of === undefined ? undefined : this.operations[content.of];
    const showsId = operation?.id !== undefined && content.showsId;
    const isElsewhere = operation === undefined || (showsId && content.type === 'updated');
    const href = isElsewhere ? '/app/people/1' : operation.location;
    answer.readAtMs = this.rig.nowMs;
    const isOpen = operation?.isOver === false && operation.connection !== answer.connection;
    const isStarted = content.type === 'started' && operation !== undefined;
    const isKnown = operation?.core.isAnswered === true;
    // No pool sends an event before the POST has left. The core must not wait for such a POST.
    const mayBegin = isStarted && operation.isSent;
    if (isOpen && (showsId || mayBegin || isKnown)) answer.waitsFor = operation;
    const isPlain = operation?.location.startsWith(invitations) === true;
    answer.own = operation;
    answer.isCertain = showsId || isKnown || (mayBegin && isPlain);
    if (isStarted && isPlain && !showsId) {
      answer.guesses = this.operations.filter(
        ({ isSent, connection }) => isSent && connection !== answer.connection,
      );
    }
    if (held === undefined) return;
    const type = operation === undefined ? 'updated' : content.type;
    const operationId = showsId ? operation.id : undefined;
    this.rig.holds.read(held, names({ type, href, operationId }), this.rig.nowMs);
  }
}
