/**
 * Asks some GETs that were answered in a batch again, directly and twice (`batching.verify`). The time between the two
 * direct requests is the time between the batch and the first one. A change of the resource is then as likely before
 * the first request as after it, and does not count against batches.
 *
 * This code wraps the engine of a pool, so that it costs nothing while the setting is 0.
 */
import { compare, type Comparison } from '../core/parity/comparison.ts';
import { type Fingerprint, noAnswer } from '../core/parity/fingerprint.ts';
import { endToEndHeaders } from '../core/messages/http-message.ts';
import { RetryBudget } from '../core/schedule/estimators/retry-budget.ts';
import type { Overflow } from '../core/schedule/queue/users.ts';
import type { Arrival, Batch, Call } from '../core/schedule/state.ts';
import type { Caller } from '../engine/caller.ts';
import type { Clock } from '../engine/clock.ts';
import type { Engine } from '../engine/engine.ts';
import { DirectCaller } from './direct-caller.ts';
import { type BatchedAnswer, WatchedCaller } from './watched-caller.ts';

export interface VerifierParts {
  readonly clock: Clock;
  readonly engine: Pick<
    Engine,
    'submit' | 'cancel' | 'barrier' | 'passedThrough' | 'drain' | 'spareRoom'
  >;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
  /** The settings in force. */
  readonly settings: { readonly verify: number };
  /** A comparison has ended. */
  readonly compared: (route: string, comparison: Comparison) => void;
  /** There was no comparison: without room for a request, or because neither direct request was answered. */
  readonly skipped: () => void;
  /** A direct GET is sent. */
  readonly asked: () => void;
}

type VerifiedEngine = Pick<Engine, 'submit' | 'cancel' | 'barrier' | 'passedThrough'>;

/** One GET under comparison. */
interface Asked {
  readonly arrival: Arrival<Caller>;
  readonly route: string;
  readonly batched: BatchedAnswer;
}

/** Limit for the comparisons that are under way. */
const maxOpen = 32;
/** Direct GETs that the budget can save up. It allows 10 more each second. */
const mostSaved = 100;
const directGets = 2;
/** A batch asks for answers without a coding, so the direct GETs do so too. */
const codings: ReadonlySet<string> = new Set(['accept-encoding']);

export class Verifier implements VerifiedEngine {
  readonly #parts: VerifierParts;
  readonly #budget: RetryBudget;
  #open = 0;
  /** Cancels the timers of second requests. */
  readonly #timers = new Set<() => void>();
  #isStopped = false;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    this.#budget = new RetryBudget(mostSaved, parts.clock.now());
  }

  submit(arrival: Arrival<Caller>): Call<Caller> | Overflow {
    const { engine, settings, random } = this.#parts;
    if (arrival.method !== 'GET' || random() >= settings.verify) return engine.submit(arrival);
    const watched: WatchedCaller = new WatchedCaller(arrival.caller, (batched) => {
      const route = watched.call?.route.name;
      // The engine is busy, and takes no call now.
      if (route !== undefined) queueMicrotask(() => this.#begin({ arrival, route, batched }));
    });
    const call = engine.submit({ ...arrival, caller: watched });
    if (typeof call !== 'string') watched.call = call;
    return call;
  }

  cancel(call: Call<Caller>): void {
    this.#parts.engine.cancel(call);
  }

  barrier(userName: string): void {
    this.#parts.engine.barrier(userName);
  }

  passedThrough(userName: string, calls: number, poll: boolean): void {
    this.#parts.engine.passedThrough(userName, calls, poll);
  }

  /** To be called at the end of each request. A call without a usable answer waits to be sent again. */
  ended({ calls, sentAtMs }: Batch<Caller>): void {
    for (const { caller, stage, retryReason, fallback } of calls) {
      const isRefused = fallback !== undefined && 'status' in fallback && fallback.status === 429;
      const isRepeated = retryReason === 'answer' || retryReason === 'unknown';
      if (stage !== 'held' || !isRepeated || isRefused) continue;
      if (caller instanceof DirectCaller) caller.wasRepeated = true;
      else if (caller instanceof WatchedCaller && calls.length > 1) caller.failedInBatch(sentAtMs);
    }
  }

  /** Begins no further comparison. */
  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #begin(asked: Asked): void {
    const nowMs = this.#parts.clock.now();
    if (this.#isStopped || this.#open >= maxOpen || !this.#budget.has(nowMs)) {
      this.#parts.skipped();
      return;
    }
    for (let get = 0; get < directGets; get += 1) this.#budget.spend();
    this.#open += 1;
    this.#ask(asked, directGets, (first) => {
      const againAtMs = nowMs + (nowMs - asked.batched.sentAtMs);
      // Never at once: the engine may be busy.
      this.#later(againAtMs, () =>
        this.#ask(asked, 1, (second) => this.#end(asked, [first, second])),
      );
    });
  }

  #later(atMs: number, act: () => void): void {
    if (this.#isStopped) return;
    const cancel = this.#parts.clock.setTimer(atMs, () => {
      this.#timers.delete(cancel);
      act();
    });
    this.#timers.add(cancel);
  }

  /** @param room how many more requests the limit of the user must allow */
  #ask({ arrival }: Asked, room: number, answered: (fingerprint: Fingerprint) => void): void {
    const { engine } = this.#parts;
    if (this.#isStopped || engine.spareRoom(arrival.key.user) < room) {
      this.#skip();
      return;
    }
    const call = engine.submit({
      key: arrival.key,
      callClass: 'safe',
      resource: arrival.resource,
      collapsible: false,
      method: 'GET',
      target: arrival.target,
      headers: [...endToEndHeaders(arrival.headers, codings), 'Accept-Encoding', 'identity'],
      body: arrival.body,
      sizeBytes: arrival.sizeBytes,
      caller: new DirectCaller(answered),
      isAlone: true,
    });
    if (typeof call === 'string') this.#skip();
    else this.#parts.asked();
  }

  #skip(): void {
    this.#open -= 1;
    this.#parts.skipped();
  }

  #end({ route, batched }: Asked, direct: readonly [Fingerprint, Fingerprint]): void {
    // An outage that began after the batch says nothing about the batch.
    if (direct.every((fingerprint) => fingerprint === noAnswer)) {
      this.#skip();
      return;
    }
    this.#open -= 1;
    this.#parts.compared(route, compare(batched.fingerprint, direct));
  }
}
