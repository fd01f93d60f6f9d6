/** Records runs of the scheduler as steps of the model docs/models/limit.pml. */
import type { Ending } from '../../src/core/answer/ending.ts';
import type { Batch, Call, LearnedState } from '../../src/core/schedule/state.ts';
import type { Ticket } from '../support/departure-checks.ts';
import type { Make } from '../support/schedules.ts';
import type { Core } from '../support/virtual-world.ts';

const probeEveryMs = 3000;

/** The results of a request, by their numbers in the model. */
const results = { accepted: 1, refused: 2, unread: 3, unknown: 4, tooLarge: 5 };

interface Known {
  readonly number: number;
  stage: 'held' | 'sent' | 'done';
  /** The result of the last request of the call. */
  result: number;
}

class LimitRecorder {
  readonly lines: string[] = [];
  readonly #known = new Map<Call<Ticket>, Known>();
  readonly #requests: Array<Batch<Ticket> | undefined> = [];
  #learned: LearnedState | undefined;
  #atMs = 0;
  #pausedUntilMs = -Infinity;
  #trialEndsAtMs = -Infinity;
  #probeAtMs = Infinity;

  arrives(call: Call<Ticket>): Known {
    const known: Known = { number: this.#known.size, stage: 'held', result: 0 };
    this.#known.set(call, known);
    this.#say('N', known.number, Number(call.callClass !== 'safe'));
    return known;
  }

  sent(batch: Batch<Ticket>): void {
    this.#passTime(batch.sentAtMs);
    const { learned } = batch.user;
    if (this.#learned !== undefined && this.#learned !== learned) this.#say('F');
    this.#learned = learned;
    if (this.#pausedUntilMs <= batch.sentAtMs) this.#say('P');
    if (this.#trialEndsAtMs <= batch.sentAtMs) this.#say('O');
    if (this.#probeAtMs <= batch.sentAtMs) this.#say('B');
    // A hedged request was queued for the proxy's own purposes.
    const calls = batch.calls.map((call) => this.#known.get(call) ?? this.arrives(call));
    for (const call of calls) call.stage = 'sent';
    const free = this.#requests.indexOf(undefined);
    const request = free === -1 ? this.#requests.length : free;
    this.#requests[request] = batch;
    const numbers = calls.map(({ number }) => number);
    this.#say('S', request, batch.parts, Number(batch.probe), ...numbers);
    if (batch.probe) this.#probeAtMs = batch.sentAtMs + probeEveryMs;
    this.#trialEndsAtMs = learned.limit.trialEndsAtMs;
  }

  ended(batch: Batch<Ticket>, ending: Ending, nowMs: number): void {
    this.#passTime(nowMs);
    const result = resultOf(batch, ending);
    const { limit, backoff } = batch.user.learned;
    const request = this.#requests.indexOf(batch);
    this.#requests[request] = undefined;
    this.#say('E', request, result, limit.value);
    for (const call of batch.calls) this.#known.get(call)!.result = result;
    if (backoff.untilMs !== this.#pausedUntilMs) this.#probeAtMs = nowMs + probeEveryMs;
    this.#pausedUntilMs = backoff.untilMs;
    this.#trialEndsAtMs = limit.trialEndsAtMs;
  }

  /** Records the calls that are done now, or are back in a queue. */
  compare(): void {
    for (const [call, known] of this.#known) {
      if (known.stage === 'done') continue;
      if (call.stage === 'done') {
        known.stage = 'done';
        this.#say('D', known.number);
      } else if (call.stage === 'held' && known.stage === 'sent') {
        known.stage = 'held';
        this.#say('Q', known.number, known.result);
      }
    }
  }

  end(): void {
    this.#say('.');
  }

  #passTime(nowMs: number): void {
    if (nowMs > this.#atMs) this.#say('T');
    this.#atMs = nowMs;
  }

  #say(...words: ReadonlyArray<string | number>): void {
    this.lines.push(words.join(' '));
  }
}

function resultOf(batch: Batch<Ticket>, ending: Ending): number {
  if (ending.kind !== 'failure') {
    const status = ending.kind === 'relay' ? ending.reply.status : batch.status;
    // The answer does not show whether the limit has room.
    return status === 401 || status === 403 ? results.unknown : results.accepted;
  }
  if (ending.cause === 'refused') return results.refused;
  if (ending.cause === 'request_too_large') return results.tooLarge;
  return ending.fault.phase === 'unsent' ? results.unread : results.unknown;
}

/** Plays one run with the scheduler that `make` returns. Returns its steps. */
export function recordLimit(make: Make, playWith: (make: Make) => void): readonly string[] {
  const recorder = new LimitRecorder();
  playWith((policy, sink) => {
    const send = sink.send.bind(sink);
    sink.send = (batch) => {
      recorder.sent(batch);
      send(batch);
    };
    return recorded(make(policy, sink), recorder);
  });
  recorder.end();
  return recorder.lines;
}

function recorded(core: Core, recorder: LimitRecorder): Core {
  const submit = core.submit.bind(core);
  const settle = core.settle.bind(core);
  core.submit = (arrival, nowMs) => {
    const call = submit(arrival, nowMs);
    if (typeof call !== 'string') recorder.arrives(call);
    return call;
  };
  core.settle = (batch, ending, nowMs) => {
    settle(batch, ending, nowMs);
    recorder.ended(batch, ending, nowMs);
    recorder.compare();
  };
  core.cancel = thenCompare(core.cancel.bind(core), recorder);
  core.wake = thenCompare(core.wake.bind(core), recorder);
  core.drain = thenCompare(core.drain.bind(core), recorder);
  core.begin = thenCompare(core.begin.bind(core), recorder);
  return core;
}

function thenCompare<A extends unknown[]>(
  method: (...args: A) => void,
  recorder: LimitRecorder,
): (...args: A) => void {
  return (...args) => {
    method(...args);
    recorder.compare();
  };
}
