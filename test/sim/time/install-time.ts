/** Replaces the timers and clocks of this process by those of virtual time. */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { TimedEvent } from './event-heap.ts';
import type { VirtualTime } from './virtual-time.ts';

const require = createRequire(import.meta.url);
const longestMs = 2 ** 31 - 1;

/** Timers that wait, with the stack of their creation if `traces` is set. */
export class OpenTimers {
  readonly #timers = new Set<VirtualTimer>();

  add(timer: VirtualTimer): void {
    this.#timers.add(timer);
  }

  delete(timer: VirtualTimer): void {
    this.#timers.delete(timer);
  }

  /** Where the timers that wait were created. */
  list(): string[] {
    return Array.from(this.#timers, ({ ms, run, repeats }) => {
      const kind = repeats ? 'interval' : 'timer';
      return `${kind} of ${ms} ms: ${run.toString().replaceAll(/\s+/g, ' ').slice(0, 120)}`;
    });
  }

  forget(): void {
    this.#timers.clear();
  }
}

class VirtualTimer {
  readonly ms: number;
  readonly run: () => void;
  readonly repeats: boolean;
  readonly #time: VirtualTime;
  readonly #open: OpenTimers;
  #event: TimedEvent | undefined;
  #isReferenced = true;

  constructor(time: VirtualTime, open: OpenTimers, run: () => void, ms: number, repeats: boolean) {
    this.#time = time;
    this.#open = open;
    this.run = run;
    // As in Node: whole milliseconds, at least one.
    this.ms = ms >= 1 && ms <= longestMs ? Math.trunc(ms) : 1;
    this.repeats = repeats;
    this.#start();
  }

  ref(): this {
    this.#isReferenced = true;
    return this;
  }

  unref(): this {
    this.#isReferenced = false;
    return this;
  }

  hasRef(): boolean {
    return this.#isReferenced;
  }

  refresh(): this {
    this.close();
    this.#start();
    return this;
  }

  close(): this {
    if (this.#event !== undefined) this.#time.cancel(this.#event);
    this.#event = undefined;
    this.#open.delete(this);
    return this;
  }

  #start(): void {
    this.#open.add(this);
    this.#event = this.#time.at(this.#time.nowMs + this.ms, () => {
      this.#event = undefined;
      this.#open.delete(this);
      if (this.repeats) this.#start();
      this.run();
    });
  }
}

type Callback = (...values: unknown[]) => void;

export function installTime(time: VirtualTime): OpenTimers {
  const open = new OpenTimers();
  const start =
    (repeats: boolean) =>
    (run: Callback, ms = 1, ...values: unknown[]): VirtualTimer =>
      new VirtualTimer(time, open, values.length === 0 ? run : () => run(...values), ms, repeats);
  const clear = (timer?: { close?: () => void } | null): void => timer?.close?.();
  const timers = {
    setTimeout: start(false),
    setInterval: start(true),
    clearTimeout: clear,
    clearInterval: clear,
    setImmediate: (run: Callback, ...values: unknown[]) => {
      const waiting = time.immediately(() => run(...values));
      const handle = { waiting, ref: () => handle, unref: () => handle, hasRef: () => true };
      return handle;
    },
    clearImmediate: (handle?: { waiting: { isCleared: boolean } } | null): void => {
      if (handle) handle.waiting.isCleared = true;
    },
  };
  Object.assign(globalThis, timers);
  Object.assign(require('node:timers') as object, timers);
  Object.assign(require('node:timers/promises') as object, {
    setTimeout: (ms: number, value: unknown, { signal }: { signal?: AbortSignal } = {}) =>
      new Promise((resolve, reject) => {
        const timer = timers.setTimeout(() => {
          signal?.removeEventListener('abort', abort);
          resolve(value);
        }, ms);
        const abort = (): void => {
          timer.close();
          reject(new DOMException('The operation was aborted', 'AbortError'));
        };
        if (signal?.aborted === true) abort();
        else signal?.addEventListener('abort', abort, { once: true });
      }),
    setImmediate: (value: unknown) =>
      new Promise((resolve) => timers.setImmediate(() => resolve(value))),
  });
  performance.now = () => time.nowMs;
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...values: [] | [number | string]) {
      if (values.length === 0) super(time.dateMs);
      else super(...(values as [number]));
    }

    static override now(): number {
      return time.dateMs;
    }
  } as DateConstructor;
  syncBuiltinESMExports();
  return open;
}
