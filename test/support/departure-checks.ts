/** Invariants of each request to the pool, and of each call that the pool runs. */
import { sameKey } from '../../src/core/ucwa/batch-key.ts';
import type { Batch, Call } from '../../src/core/schedule/state.ts';
import type { Policy } from '../../src/core/schedule/policy.ts';
import { waitTimesOf } from '../../src/core/schedule/queue/queue-time.ts';

export interface Ticket {
  readonly name: string;
  /** The urgency that the client asked for; 3 by default. */
  readonly urgency: number;
  /** Number of outcomes that the core reported for the call. */
  endings: number;
  left: boolean;
  /** Number of times that the pool ran the call. */
  runs: number;
}

export class DepartureChecks {
  readonly #policy: Policy;
  readonly #wrong: (call: Call<Ticket>, what: string) => void;
  /** Writes in flight, by user and resource. */
  readonly #writes = new Map<string, Call<Ticket>>();
  readonly #lastWrite = new Map<string, number>();

  readonly #calls: () => Iterable<Call<Ticket>>;

  constructor(
    policy: Policy,
    wrong: (call: Call<Ticket>, what: string) => void,
    calls: () => Iterable<Call<Ticket>>,
  ) {
    this.#policy = policy;
    this.#wrong = wrong;
    this.#calls = calls;
  }

  /** Records the end of a request. */
  arrival({ calls }: Batch<Ticket>): void {
    for (const call of calls) {
      if (this.#writes.get(lock(call)) === call) this.#writes.delete(lock(call));
    }
  }

  /** Checks a batch that is sent. */
  departure(batch: Batch<Ticket>, nowMs: number): void {
    const { calls } = batch;
    const first = calls[0]!;
    let bytes = 0;
    for (const call of calls) {
      bytes += call.sizeBytes;
      if (!sameKey(call.key, first.key)) this.#wrong(call, 'met another key');
      if (call.callClass !== first.callClass) this.#wrong(call, 'met another class');
      const slot = call.original ?? call;
      const waiters = [slot, ...(slot.followers ?? [])];
      if (waiters.every(({ caller: ticket, stage }) => ticket.left || stage !== 'sent'))
        this.#wrong(call, 'departed without a caller');
      if (slot === call) for (const waiter of waiters) this.#checkHold(waiter, call, batch);
      if (call.callClass !== 'safe') this.#checkOrder(call);
      else if (this.#overtakes(slot)) this.#wrong(call, 'overtook a write');
    }
    this.#checkUrgencies(batch);
    const { limit } = batch.user.learned;
    const isAlone = batch.outstanding - batch.user.polls === batch.parts;
    const most = isAlone ? Math.max(1, limit.value) : limit.value + (batch.probe ? 1 : 0);
    if (batch.outstanding > most) this.#wrong(first, 'left beyond the limit');
    if (batch.user.learned.backoff.untilMs > nowMs) this.#wrong(first, 'left in a pause');
    if (calls.length > this.#policy.maxParts) this.#wrong(first, 'in too large a batch');
    if (calls.length > 1 && bytes > this.#policy.maxBytes) this.#wrong(first, 'in too many bytes');
  }

  /**
   * Checks a call that reached its deadline before it was sent. That may happen only if other calls
   * have all send permits, if an earlier call goes first, or if the pool has no room for the call.
   */
  unsent(call: Call<Ticket>, isFree: boolean, nowMs: number): void {
    const { user } = call.stream;
    this.notRun(call);
    const isPaused = user.learned.backoff.untilMs >= nowMs;
    if (call.attempts > 0 || isPaused || user.nextCheckAtMs !== Infinity || user.outstanding > 0)
      return;
    if (isFree && user.order.allows(call) && call.unblockedAtMs < nowMs) {
      this.#wrong(call, 'waited beside a free send permit');
    }
  }

  /**
   * Checks that an unsafe call that is reported as not run has not run: the caller may send it
   * again.
   */
  notRun(call: Call<Ticket>): void {
    if (call.callClass !== 'safe' && call.caller.runs > 0) this.#wrong(call, 'ran, it was denied');
  }

  /** Records that the pool runs a part. */
  run(call: Call<Ticket>): void {
    call.caller.runs += 1;
    if (call.callClass !== 'safe' && call.caller.runs > 1) this.#wrong(call, 'ran twice');
    if (call.caller.runs > 2) this.#wrong(call, `ran ${call.caller.runs} times`);
  }

  #checkHold(call: Call<Ticket>, slot: Call<Ticket>, batch: Batch<Ticket>): void {
    const heldMs = waitTimesOf(call, slot, batch).hold ?? 0;
    const mostMs = call.caller.urgency <= 1 ? 0 : this.#policy.lingerMaxMs;
    if (heldMs > mostMs + 1e-6) this.#wrong(call, `was held for ${heldMs} ms`);
  }

  /** Checks that no call stays in the queue that is more urgent, or has waited for longer. */
  #checkUrgencies({ calls }: Batch<Ticket>): void {
    const { stream, callClass } = calls[0]!;
    // A write can have the urgency of a call that waits for it.
    if (callClass !== 'safe') return;
    const levelMs = Math.min(500, this.#policy.timeoutMs / 60);
    const rankMs = ({ arrivedAtMs, caller }: Call<Ticket>) =>
      arrivedAtMs + caller.urgency * levelMs;
    const last = Math.max(...calls.filter(({ original }) => original === undefined).map(rankMs));
    const fits = (call: Call<Ticket>): boolean => {
      const earlier = calls.filter((other) => rankMs(other) <= rankMs(call));
      const bytes = earlier.reduce((sum, { sizeBytes }) => sum + sizeBytes, call.sizeBytes);
      return bytes <= this.#policy.maxBytes;
    };
    for (const call of stream.queue) {
      const mustWait =
        !stream.user.order.allows(call) || call.original !== undefined || !fits(call);
      if (!mustWait && rankMs(call) < last - 1e-6)
        this.#wrong(call, 'was overtaken by less urgent calls');
    }
  }

  /** Whether an earlier write to the same resource is still held. */
  #overtakes({ stream, resource, sequence }: Call<Ticket>): boolean {
    for (const other of this.#calls()) {
      const isHeldWrite = other.callClass !== 'safe' && other.stage === 'held';
      if (!isHeldWrite || other.resource !== resource || other.sequence > sequence) continue;
      if (other.stream.user === stream.user) return true;
    }
    return false;
  }

  #checkOrder(call: Call<Ticket>): void {
    if (this.#writes.has(lock(call)))
      this.#wrong(call, 'travels with a write to the same resource');
    if ((this.#lastWrite.get(lock(call)) ?? 0) > call.sequence) this.#wrong(call, 'was overtaken');
    this.#writes.set(lock(call), call);
    this.#lastWrite.set(lock(call), call.sequence);
  }
}

function lock(call: Call<Ticket>): string {
  return `${call.stream.user.name} ${call.resource}`;
}
