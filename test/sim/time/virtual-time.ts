/**
 * Virtual time: timers, immediates and events of the network in one queue. Each task runs in a real immediate of its
 * own, so that Node runs all microtasks and `nextTick` callbacks between two tasks, as it does in real time.
 */
import { EventHeap, type TimedEvent } from './event-heap.ts';

/** Duration of each task, in ms. It is a power of two, so that sums of durations are exact. */
const taskMs = 1 / 128;
const startMs = 1_048_576;
/** 2026-01-01, in ms since 1970. */
const epochMs = 1_767_225_600_000;
/** Tasks for each turn of the real event loop. */
const tasksPerTurn = 64;

const realSetImmediate = globalThis.setImmediate;

interface Waiting {
  readonly run: () => void;
  isCleared: boolean;
}

/** Thrown into the run when no task is left, although the run has not ended. */
class NothingLeft extends Error {}

export class VirtualTime {
  #nowMs = startMs;
  #events = new EventHeap();
  #immediates: Waiting[] = [];
  /** Immediates of the current turn. */
  #turn: Waiting[] = [];
  #isRunning = false;
  /** Returns an additional duration of the current task, in ms: a stall of the event loop. */
  stall: () => number = () => 0;
  tasks = 0;

  /** Milliseconds, as `performance.now()` gives them. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since 1970. */
  get dateMs(): number {
    return Math.floor(epochMs + this.#nowMs);
  }

  /** Starts again at the same time, with no event. Two runs of a seed then have the same times. */
  reset(): void {
    this.#nowMs = startMs;
    this.#events = new EventHeap();
    this.#immediates = [];
    this.#turn = [];
    this.stall = () => 0;
    this.tasks = 0;
  }

  at(atMs: number, run: () => void): TimedEvent {
    return this.#events.add(Math.max(atMs, this.#nowMs), run);
  }

  cancel(event: TimedEvent): void {
    this.#events.cancel(event);
  }

  immediately(run: () => void): Waiting {
    const waiting = { run, isCleared: false };
    this.#immediates.push(waiting);
    return waiting;
  }

  /** Whether an event is left. */
  get isQuiet(): boolean {
    return this.#events.size === 0 && this.#immediates.length === 0 && this.#turn.length === 0;
  }

  /** Runs tasks until the scenario ends. */
  async run<T>(scenario: () => Promise<T>): Promise<T> {
    this.#isRunning = true;
    let fail: (error: Error) => void = () => undefined;
    const stuck = new Promise<never>((_resolve, reject) => (fail = reject));
    const step = (isLast: boolean): void => {
      if (!this.#isRunning) return;
      if (isLast) turn();
      if (this.#runTask()) return;
      this.#isRunning = false;
      fail(new NothingLeft(`no event is left at ${this.#nowMs} ms`));
    };
    const turn = (): void => {
      for (let left = tasksPerTurn; left > 0; left -= 1) realSetImmediate(step, left === 1);
    };
    try {
      const result = scenario();
      turn();
      return await Promise.race([result, stuck]);
    } finally {
      this.#isRunning = false;
    }
  }

  #runTask(): boolean {
    const task = this.#next();
    if (task === undefined) return false;
    this.tasks += 1;
    this.#nowMs += taskMs + this.stall();
    task();
    return true;
  }

  /** Due events come first, then the immediates of this turn. Without both, time goes on to the next event. */
  #next(): (() => void) | undefined {
    const due = this.#events.takeDue(this.#nowMs);
    if (due !== undefined) return due;
    for (;;) {
      const waiting = this.#turn.pop();
      if (waiting === undefined) {
        if (this.#immediates.length === 0) break;
        this.#turn = this.#immediates.reverse();
        this.#immediates = [];
      } else if (!waiting.isCleared) return waiting.run;
    }
    const nextMs = this.#events.nextMs;
    if (nextMs === undefined) return undefined;
    this.#nowMs = Math.max(this.#nowMs, nextMs);
    return this.#events.takeDue(this.#nowMs);
  }
}
