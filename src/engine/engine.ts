/**
 * The engine connects the core with time, the pool and the callers: one timer, dispatch permits, and exchanges.
 *
 * The core must not be entered again before it returns. But a permit or an error may follow in the same turn.
 * All events therefore go through an inbox, and wait there while the core runs.
 */
import { answerForFault, answerForUnsent } from '../core/answer/own-answers.ts';
import type { Failure } from '../core/messages/fault.ts';
import type { Reply } from '../core/messages/reply.ts';
import { InvariantViolation } from '../core/invariants.ts';
import { Coalescer } from '../core/schedule/coalescer.ts';
import { LinkedList } from '../core/structures/linked-list.ts';
import type { Arrival, Batch, Call, InFlightRequest, User } from '../core/schedule/state.ts';
import { dispatchLimits } from '../core/schedule/dispatch/dispatch-slots.ts';
import type { SchedulerEvents } from '../core/schedule/observer.ts';
import { newTotals, type ProcessTotals } from '../core/schedule/process-totals.ts';
import type { Sink } from '../core/schedule/sink.ts';
import type { Overflow } from '../core/schedule/queue/users.ts';
import type { Exchange, Upstream } from '../upstream/exchange.ts';
import { BatchExchange } from './batch-exchange.ts';
import type { Caller } from './caller.ts';
import { cancelUnsent } from './cancel-unsent.ts';
import type { Clock } from './clock.ts';
import { DispatchPermits, type Permit } from './dispatch-permits.ts';
import { UncertainExecutions } from '../core/schedule/ending/may-have-run.ts';
import type { EngineOptions, EngineParts } from './options.ts';
import { Guard } from './guard.ts';
import { canStream, oldestOf, requestFor, singleRequest, observeCalls } from './requests.ts';
import { SingleExchange } from './single-exchange.ts';
import type { Ending } from '../core/answer/ending.ts';
import { hasOperation } from '../core/schedule/queue/stream.ts';

/** A bug can break off an event before it asks for the next wake-up. The engine then wakes the core after this time. */
const afterErrorMs = 100;

export class Engine implements Sink<Caller> {
  readonly events: SchedulerEvents;
  readonly #options: EngineOptions;
  readonly #parts: Pick<EngineParts, 'nextBoundary' | 'ended' | 'watch'>;
  readonly #clock: Clock;
  readonly #upstream: Upstream;
  readonly #observer: EngineParts['observer'];
  readonly #totals: ProcessTotals;
  readonly #core: Coalescer<Caller>;
  readonly #dispatchPermits: DispatchPermits<User<Caller>>;
  readonly #uncertain = new UncertainExecutions<Caller>();
  readonly #guard: Guard;
  readonly #inFlight = new LinkedList<InFlightRequest>();
  readonly #inbox: Array<() => unknown> = [];
  #busy = false;
  #timerAtMs = Infinity;
  #cancelTimer: (() => void) | undefined;
  /** The permit of the batch that is being formed. */
  #permit: Permit = { freeSlot: () => undefined, release: () => undefined };

  constructor(options: EngineOptions, parts: EngineParts) {
    this.#options = options;
    this.#parts = parts;
    ({ clock: this.#clock, upstream: this.#upstream } = parts);
    this.events = this.#observer = parts.observer;
    this.#totals = parts.memory.totals ?? newTotals();
    this.#core = new Coalescer(options.policy, this, parts.memory, parts.random);
    this.#guard = new Guard(options.policy, parts.observer);
    this.#dispatchPermits = new DispatchPermits(dispatchLimits(options), (user, single, permit) =>
      this.#enter(() => this.#dispatch(user, single, permit)),
    );
  }

  get heldCalls(): number {
    return this.#core.heldCalls;
  }

  get outstandingCalls(): number {
    return this.#core.outstandingCalls;
  }

  get users(): { readonly active: number; readonly idle: number } {
    return this.#core.users;
  }

  /** Returns the call, which `cancel` takes, or the cap that the call would exceed. */
  submit(arrival: Arrival<Caller>): Call<Caller> | Overflow {
    let result: Call<Caller> | Overflow | undefined;
    this.#enter(() => (result = this.#core.submit(arrival, this.#clock.now())));
    if (result === undefined) throw new Error('the engine was entered from within');
    return result;
  }

  /** Cancels a call because its caller has left. */
  cancel(call: Call<Caller>): void {
    this.#enter(() => this.#core.cancel(call, this.#clock.now()));
  }

  /** A pass-through write of that user is about to be sent. Its held calls are sent first. */
  barrier(userName: string): void {
    this.#enter(() => this.#core.barrier(userName, this.#clock.now()));
  }

  /** Counts pass-through calls of that user: a positive number begins, a negative number ends. */
  passedThrough(userName: string, calls: number, poll: boolean): void {
    this.#enter(() => this.#core.passedThrough(userName, calls, poll, this.#clock.now()));
  }

  /** Returns how many more calls keep that user, and the connections to the pool, far from their limits. */
  spareRoom(userName: string): number {
    if (this.#inFlight.size * 2 >= this.#options.maxConnections) return 0;
    return this.#core.spareRoom(userName, this.#clock.now());
  }

  /** No call is held from now on. */
  drain(): void {
    this.#enter(() => this.#core.drain(this.#clock.now()));
  }

  /** The options have other values now. `maxConnections` never changes. */
  optionsChanged(): void {
    this.#dispatchPermits.limitUsers(dispatchLimits(this.#options));
    this.#enter(() => this.#core.policyChanged(this.#clock.now()));
  }

  /** Answers the callers that still wait, and aborts all exchanges. Unsent requests are never sent. */
  stop(): void {
    this.#enter(() => {
      for (const { exchange } of [...this.#inFlight]) if (!exchange.started) exchange.abort();
      this.#core.expireAll(this.#clock.now());
    });
    this.#cancelTimer?.();
    for (const { exchange } of [...this.#inFlight]) exchange.abort();
  }

  requestPermit(user: User<Caller>, unbatched: boolean): void {
    this.#dispatchPermits.request(user, unbatched, unbatched && hasOperation(user));
  }

  send(batch: Batch<Caller>): void {
    const permit = this.#permit;
    observeCalls(batch, this.#observer, this.#parts.watch?.current);
    try {
      this.#guard.checkRequest(batch);
      if (canStream(batch)) this.#sendSingle(batch, permit);
      else this.#sendBatch(batch, permit);
    } catch (error) {
      this.#observer.internalError(error);
      const fault = Guard.faultFor(error);
      this.#settled(batch, permit, { kind: 'failure', cause: 'own_mistake', fault });
    }
  }

  answer(call: Call<Caller>, reply: Reply): void {
    try {
      call.caller.answer(this.#guard.checkReply(call, reply));
    } catch (error) {
      // A part that cannot be written as an HTTP answer affects only its own caller.
      this.#observer.internalError(error);
      if (!(error instanceof InvariantViolation)) call.caller.cut();
    }
  }

  fail(call: Call<Caller>, failure: Failure): void {
    this.answer(call, this.#replyFor(call, failure));
  }

  freeSlot(batch: Batch<Caller>): void {
    batch.inFlight?.permit.freeSlot();
  }

  abandon({ inFlight }: Batch<Caller>): void {
    inFlight?.exchange.abort();
  }

  wakeAt(atMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = this.#clock.setTimer(atMs, () => {
      this.#timerAtMs = Infinity;
      this.#cancelTimer = undefined;
      this.#enter(() => this.#core.wake(this.#clock.now()));
    });
  }

  #replyFor(call: Call<Caller>, failure: Failure): Reply {
    const { onlyXml } = call.caller;
    const isUnsent = failure === 'late' && cancelUnsent(call);
    if (failure === 'late' && !isUnsent) this.#observer.callLate?.();
    const fault = this.#uncertain.failureFor(call, isUnsent ? 'never-sent' : failure);
    return fault === 'never-sent' ? answerForUnsent(onlyXml) : answerForFault(fault, onlyXml);
  }

  #dispatch(user: User<Caller>, unbatched: boolean, permit: Permit): void {
    this.#permit = permit;
    let isSent = false;
    try {
      isSent = this.#core.dispatch(user, unbatched, this.#clock.now());
    } finally {
      // A permit that is not released is lost for good.
      if (!isSent) permit.release();
    }
  }

  #sendSingle(batch: Batch<Caller>, permit: Permit): void {
    const call = oldestOf(batch);
    const startedAtMs = this.#clock.now();
    const single = new SingleExchange(call.caller, {
      answered: (status) => this.#observer.upstreamAnswered('single', status),
      waits: () => call.stage === 'sent',
      begun: (status) => this.#enter(() => this.#core.begin(batch, status, this.#clock.now())),
      internalError: (error) => this.#observer.internalError(error),
      settled: (ending) => {
        this.#observer.upstreamEnded('single', this.#clock.now() - startedAtMs);
        this.#settled(batch, permit, ending);
      },
    });
    const exchange = this.#upstream.send(singleRequest(batch), single);
    single.attach(exchange);
    this.#begin(batch, exchange, permit);
  }

  #sendBatch(batch: Batch<Caller>, permit: Permit): void {
    // Identical calls without other companions share one request without an envelope.
    const isUnwrapped = batch.calls.length === 1;
    const request = requestFor(batch, this.#parts.nextBoundary);
    if (!isUnwrapped)
      this.#observer.batchSent(batch.calls.length, request.body.length, batch.flushReason);
    const startedAtMs = this.#clock.now();
    let reservedBytes = 0;
    const { maxResponseBytes } = this.#options;
    const kind = isUnwrapped ? 'single' : 'batch';
    const handler = new BatchExchange([...batch.calls], isUnwrapped, maxResponseBytes, {
      answered: (status) => this.#observer.upstreamAnswered(kind, status),
      protocolError: (kind) => this.#observer.protocolError(kind),
      reserve: (bytes) => {
        reservedBytes += bytes;
        this.#totals.responseBytes += bytes;
        return this.#totals.responseBytes <= this.#options.maxBufferedResponseBytes;
      },
      part: (index, reply, early) => {
        this.#parts.watch?.current?.part(batch, index, reply, this.#clock.now());
        this.#enter(() => this.#core.part(batch, index, reply, early, this.#clock.now()));
      },
      settled: (ending) => {
        this.#totals.responseBytes -= reservedBytes;
        this.#observer.upstreamEnded(kind, this.#clock.now() - startedAtMs);
        this.#settled(batch, permit, ending);
      },
      abort: () => exchange.abort(),
    });
    const exchange = this.#upstream.send(request, handler);
    this.#begin(batch, exchange, permit);
  }

  #begin(batch: Batch<Caller>, exchange: Exchange, permit: Permit): void {
    batch.inFlight = { exchange, permit, earlier: undefined, later: undefined };
    this.#inFlight.add(batch.inFlight);
  }

  #settled(batch: Batch<Caller>, permit: Permit, ending: Ending): void {
    this.#enter(() => {
      const nowMs = this.#clock.now();
      this.#guard.ended(batch, ending);
      const settle = (): void => this.#core.settle(batch, ending, nowMs);
      // A call with a streaming answer has certainly run.
      if (batch.calls[0]?.stage === 'answering') settle();
      else this.#uncertain.settle(batch, ending, settle);
      this.#landed(batch);
      permit.release();
      this.#parts.ended?.(batch, ending, nowMs);
      this.#parts.watch?.current?.ended(batch, ending, nowMs);
    });
  }

  #landed(batch: Batch<Caller>): void {
    const { inFlight } = batch;
    if (inFlight === undefined) return;
    batch.server = inFlight.exchange.server;
    this.#inFlight.remove(inFlight);
    batch.inFlight = undefined;
  }

  #enter(event: () => unknown): void {
    if (this.#busy) {
      this.#inbox.push(event);
      return;
    }
    this.#busy = true;
    try {
      for (let next: (() => unknown) | undefined = event; next; next = this.#inbox.shift()) {
        try {
          next();
        } catch (error) {
          this.#observer.internalError(error);
          this.wakeAt(this.#clock.now() + afterErrorMs);
        }
      }
    } finally {
      this.#busy = false;
    }
  }
}
