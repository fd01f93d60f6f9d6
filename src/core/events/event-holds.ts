/**
 * Which answers of event channels wait for the answer to a POST
 * (docs/decisions/019-events-after-their-201.md).
 *
 * An answer is read to its end before it is judged. It can wait for several operations. Answers to polls of one
 * chain are released in the order of their arrival, also if a later one is whole before an earlier one.
 *
 *     reading --whole, unreadable, last operation over, `maxHoldMs`--> waiting
 *     waiting --no operation to wait for, and no earlier answer of its chain--> released
 *     reading, waiting --poll over--> released       nothing is sent
 *
 * An answer no longer waits for an operation when its POST is over, after `maxHoldMs`, or when it is certain that
 * the answer names another operation. Without certainty it waits for `doubtMs`.
 */
import { TimerHeap } from '../structures/timer-heap.ts';
import type { EventNames } from '../ucwa/event-names.ts';
import { type OperationFacts, type Others, type Relation, relationOf } from './relation.ts';

/** The longest time that an answer waits, in ms. */
export const maxHoldMs = 2000;
/** The longest time that a whole answer waits for an operation with the relation `possible`, in ms. */
export const doubtMs = 50;

/**
 * Why a wait ended: all label values of `ucwa_proxy_held_events_total`.
 *
 * - `ordered`: an event had come before the answer to the POST of its operation, and waited for that answer.
 * - `unrelated`: the answer belongs to no operation that was under way.
 * - `expired`: the POST was not answered in time.
 * - `abandoned`: the poll ended first.
 */
export const holdOutcomes = ['ordered', 'unrelated', 'expired', 'abandoned'] as const;
export type HoldOutcome = (typeof holdOutcomes)[number];

export interface EventHoldSink<T> {
  /** Sends the answer, or what there is of it. */
  release(answer: T): void;
  /** Counts a wait that ended. */
  ended(outcome: HoldOutcome): void;
}

interface Channel<T> {
  readonly name: string;
  readonly operations: Set<Operation<T>>;
  /** Answers that are not released, in the order of their arrival. */
  readonly answers: Set<HeldAnswer<T>>;
}

/** An operation with a POST under way. */
export class Operation<T> implements OperationFacts {
  readonly ids: Set<string>;
  hasAllIds: boolean;
  readonly path: string | undefined;
  isAnswered = false;
  location: string | undefined;
  readonly channel: Channel<T>;
  /** The client's connection. */
  readonly connection: object;
  readonly isSent: () => boolean;

  constructor(channel: Channel<T>, start: OperationStart) {
    this.channel = channel;
    this.ids = new Set(start.ids);
    this.hasAllIds = start.hasAllIds;
    this.path = start.path;
    this.connection = start.connection;
    this.isSent = start.isSent;
  }
}

export interface OperationStart {
  /** Name of the user and its application. */
  readonly channel: string;
  readonly connection: object;
  readonly path: string | undefined;
  readonly ids: Iterable<string>;
  readonly hasAllIds: boolean;
  /** Returns whether the POST may have left for the pool. */
  readonly isSent: () => boolean;
}

/** An answer to a poll. */
export interface HeldAnswer<T> {
  readonly owner: T;
  readonly channel: Channel<T>;
  readonly chain: string;
  readonly connection: object;
  stage: 'reading' | 'waiting' | 'released';
  names: EventNames | undefined;
  /** The operations that the answer waits for. */
  readonly blockers: Map<Operation<T>, Relation>;
  /** The result of the wait so far; `undefined` if the answer has not waited. */
  outcome: HoldOutcome | undefined;
}

export interface Arrival<T> {
  readonly owner: T;
  /** Name of the user and its application. */
  readonly channel: string;
  /** Name of the sequence of polls inside of the channel. */
  readonly chain: string;
  /** The client's connection. HTTP orders the answers of one connection, so its operations do not count. */
  readonly connection: object;
}

/** Limit for the resources of answered operations that are remembered. */
const maxLocations = 1024;

export class EventHolds<T> {
  readonly #sink: EventHoldSink<T>;
  /** Channels with an open operation. */
  readonly #channels = new Map<string, Channel<T>>();
  readonly #timers = new TimerHeap<{ answer: HeldAnswer<T>; isLast: boolean }>();
  /** Channels and resources of answered operations, oldest first. */
  readonly #locations = new Set<string>();

  constructor(sink: EventHoldSink<T>) {
    this.#sink = sink;
  }

  /** Whether no operation is under way. No answer waits then. */
  get isIdle(): boolean {
    return this.#channels.size === 0;
  }

  /** When `wake` is to be called. */
  get nextAtMs(): number {
    return this.#timers.nextAtMs;
  }

  /** To be called before the POST is sent. */
  begin(start: OperationStart): Operation<T> {
    const name = start.channel;
    const known = this.#channels.get(name);
    const channel = known ?? { name, operations: new Set(), answers: new Set() };
    this.#channels.set(name, channel);
    const operation = new Operation(channel, start);
    channel.operations.add(operation);
    return operation;
  }

  /** To be called with the final answer to the POST. `location`: path of its `Location`; see `resourcePath`. */
  answered(operation: Operation<T>, location: string | undefined): void {
    const { channel } = operation;
    if (operation.isAnswered) return;
    operation.isAnswered = true;
    operation.location = location;
    if (location !== undefined) this.#remember(channel, location);
    if (channel.answers.size === 0) return;
    const others = this.#othersOf(channel);
    for (const answer of channel.answers) this.#judgeAgain(answer, others);
    this.#releaseReady(channel);
  }

  /** To be called when the answer to the POST is written, or when there will be none. */
  over(operation: Operation<T>): void {
    const { channel } = operation;
    if (!channel.operations.delete(operation)) return;
    for (const answer of channel.answers) {
      if (answer.blockers.get(operation) === 'named') answer.outcome = 'ordered';
      answer.blockers.delete(operation);
    }
    if (channel.operations.size === 0) {
      this.#channels.delete(channel.name);
      for (const answer of channel.answers) answer.stage = 'waiting';
    }
    this.#releaseReady(channel);
  }

  /**
   * To be called with the head of an answer to a poll.
   *
   * @returns `undefined` if the answer need not wait
   */
  arrived(arrival: Arrival<T>, nowMs: number): HeldAnswer<T> | undefined {
    const channel = this.#channels.get(arrival.channel);
    if (channel === undefined) return undefined;
    const { owner, chain, connection } = arrival;
    const answer: HeldAnswer<T> = {
      ...{ owner, channel, chain, connection },
      stage: 'reading',
      names: undefined,
      blockers: new Map(),
      outcome: undefined,
    };
    channel.answers.add(answer);
    this.#timers.add({ answer, isLast: true }, nowMs + maxHoldMs);
    return answer;
  }

  /** To be called when the answer is complete. `names`: `undefined` if the answer cannot be read. */
  read(answer: HeldAnswer<T>, names: EventNames | undefined, nowMs: number): void {
    const { channel, blockers } = answer;
    if (answer.stage !== 'reading') return;
    answer.stage = 'waiting';
    answer.names = names;
    if (names !== undefined) this.#findBlockers(answer, names);
    const hasDoubt = [...blockers.values()].includes('possible');
    if (hasDoubt) this.#timers.add({ answer, isLast: false }, nowMs + doubtMs);
    this.#releaseReady(channel);
  }

  /** To be called when a poll is over before its answer is released. */
  abandon(answer: HeldAnswer<T>): void {
    if (answer.stage === 'released') return;
    if (answer.outcome !== undefined) this.#sink.ended('abandoned');
    this.#forget(answer);
    this.#releaseReady(answer.channel);
  }

  wake(nowMs: number): void {
    while (this.#timers.nextAtMs <= nowMs) {
      const { answer, isLast } = this.#timers.take().item;
      if (answer.stage === 'released') continue;
      if (isLast) this.#expire(answer);
      else if (answer.stage === 'waiting') this.#endDoubt(answer);
      this.#releaseReady(answer.channel);
    }
  }

  /** Releases all answers. */
  releaseAll(): void {
    for (const channel of this.#channels.values()) {
      for (const answer of channel.answers) this.#expire(answer);
      this.#releaseReady(channel);
    }
  }

  #othersOf({ operations, name }: Channel<T>): Others {
    return {
      ids: new Set([...operations].flatMap(({ ids }) => [...ids])),
      hasLocation: (path) => this.#locations.has(`${name}\n${path}`),
    };
  }

  #findBlockers(answer: HeldAnswer<T>, names: EventNames): void {
    const others = this.#othersOf(answer.channel);
    for (const operation of answer.channel.operations) {
      if (operation.connection === answer.connection) continue;
      const relation = relationOf(operation, names, others);
      if (relation === undefined) continue;
      answer.blockers.set(operation, relation);
      answer.outcome = 'unrelated';
    }
  }

  /** A `Location` became known: what it names belongs to its operation, and to no other one. */
  #judgeAgain({ names, blockers }: HeldAnswer<T>, others: Others): void {
    for (const [operation, before] of blockers) {
      if (before === 'named' || names === undefined) continue;
      const relation = relationOf(operation, names, others);
      if (relation === undefined) blockers.delete(operation);
      else if (relation === 'named') blockers.set(operation, relation);
    }
  }

  #endDoubt({ blockers }: HeldAnswer<T>): void {
    for (const [operation, relation] of blockers) {
      if (relation === 'possible') blockers.delete(operation);
    }
  }

  #expire(answer: HeldAnswer<T>): void {
    if (answer.blockers.size > 0) answer.outcome = 'expired';
    answer.blockers.clear();
    answer.stage = 'waiting';
  }

  /** Releases the whole answers that wait for no operation, and for no earlier answer of their chain. */
  #releaseReady({ answers }: Channel<T>): void {
    const waiting = new Set<string>();
    for (const answer of answers) {
      const { chain, stage, blockers } = answer;
      if (stage === 'reading' || blockers.size > 0) waiting.add(chain);
      else if (waiting.has(chain)) answer.outcome ??= 'unrelated';
      else this.#release(answer);
    }
  }

  #release(answer: HeldAnswer<T>): void {
    this.#forget(answer);
    if (answer.outcome !== undefined) this.#sink.ended(answer.outcome);
    this.#sink.release(answer.owner);
  }

  #forget(answer: HeldAnswer<T>): void {
    answer.stage = 'released';
    answer.names = undefined;
    answer.blockers.clear();
    answer.channel.answers.delete(answer);
  }

  #remember({ name }: Channel<T>, location: string): void {
    this.#locations.add(`${name}\n${location}`);
    const [oldest] = this.#locations;
    if (this.#locations.size > maxLocations && oldest !== undefined) {
      this.#locations.delete(oldest);
    }
  }
}
