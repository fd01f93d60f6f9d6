/** Records runs of the scheduler as steps of the model docs/models/release.pml. */
import type { Ending } from '../../src/core/answer/ending.ts';
import type { Reply } from '../../src/core/messages/reply.ts';
import type { Batch, Call } from '../../src/core/schedule/state.ts';
import type { Ticket } from '../support/departure-checks.ts';
import type { Make } from '../support/schedules.ts';

/** The shortest time from a complete part to its release, in ms. A part may join an earlier release. */
const graceMs = 4;

/** The results of a batch, by their numbers in the model. */
const results = { counted: 1, miscounted: 2, brokenOff: 3, notRun: 4 };

interface Open {
  readonly number: number;
  readonly batch: Batch<Ticket>;
  /** Positions with a known outcome. */
  readonly over: Set<number>;
  readonly graceUntilMs: Map<number, number>;
}

class ReleaseRecorder {
  readonly lines: string[] = [];
  readonly #open: Array<Open | undefined> = [];
  #settling: { readonly open: Open; readonly ending: Ending } | undefined;

  sent(batch: Batch<Ticket>): void {
    const [first] = batch.calls;
    if (first?.original !== undefined) return;
    const free = this.#open.indexOf(undefined);
    const number = free === -1 ? this.#open.length : free;
    this.#open[number] = { number, batch, over: new Set(), graceUntilMs: new Map() };
    this.#say('B', number, batch.calls.length, Number(batch.callClass !== 'safe'));
  }

  part(batch: Batch<Ticket>, index: number, early: boolean, nowMs: number): void {
    const open = this.#find(batch);
    if (open === undefined || open.graceUntilMs.has(index)) return;
    open.graceUntilMs.set(index, nowMs + graceMs);
    this.#say('P', open.number, index, Number(early));
  }

  graceEnds(nowMs: number): void {
    for (const open of this.#open) {
      for (const [index, untilMs] of open?.graceUntilMs ?? []) {
        if (untilMs <= nowMs && open !== undefined) this.#say('G', open.number, index);
      }
    }
  }

  ends(batch: Batch<Ticket>, ending: Ending): void {
    const open = this.#find(batch);
    if (open === undefined) return;
    batch.calls.forEach((_, index) => {
      // A single response is the part of each call.
      if (ending.kind === 'relay') this.part(batch, index, false, Infinity);
    });
    this.#settling = { open, ending };
    this.#say('E', open.number, resultOf(ending));
  }

  answered(call: Call<Ticket>, reply: Reply | undefined): void {
    const open = call.batch && this.#find(call.batch);
    if (open === undefined) return;
    const index = open.batch.calls.indexOf(call);
    open.over.add(index);
    if (this.#settling?.open === open) {
      const { ending } = this.#settling;
      const isPart = ending.kind === 'relay' || reply === open.batch.replies[index];
      this.#say(isPart && reply !== undefined ? 'A' : 'F', open.number, index, resultOf(ending));
    } else {
      // The deadline passed if the call is not done, and a hedged request answered it if it differs.
      const isReleased = call.stage === 'done' && reply !== undefined;
      this.#say(isReleased && reply === open.batch.replies[index] ? 'R' : 'L', open.number, index);
    }
  }

  /** Records the calls that ended without an answer, or are back in a queue. */
  compare(): void {
    for (const open of this.#open)
      open?.batch.calls.forEach((call, at) => this.#look(open, call, at));
    if (this.#settling === undefined) return;
    this.#open[this.#settling.open.number] = undefined;
    this.#settling = undefined;
  }

  #look(open: Open, call: Call<Ticket>, index: number): void {
    if (open.over.has(index)) return;
    const { ending } = this.#settling?.open === open ? this.#settling : {};
    if (call.stage === 'done' || call.stage === 'answering') {
      open.over.add(index);
      if (ending === undefined) this.#say('L', open.number, index);
      else this.#say('F', open.number, index, resultOf(ending));
    } else if (call.stage === 'held' && ending !== undefined) {
      open.over.add(index);
      this.#say('Q', open.number, index, resultOf(ending));
    }
  }

  end(): void {
    this.#say('.');
  }

  #find(batch: Batch<Ticket>): Open | undefined {
    return this.#open.find((open) => open?.batch === batch);
  }

  #say(...words: ReadonlyArray<string | number>): void {
    this.lines.push(words.join(' '));
  }
}

function resultOf(ending: Ending): number {
  if (ending.kind !== 'failure') return results.counted;
  if (ending.cause === 'miscounted') return results.miscounted;
  return ending.fault.phase === 'unsent' ? results.notRun : results.brokenOff;
}

/** Plays one run with the scheduler that `make` returns. Returns its steps. */
export function recordRelease(make: Make, playWith: (make: Make) => void): readonly string[] {
  const recorder = new ReleaseRecorder();
  const thenCompare =
    <A extends unknown[]>(method: (...args: A) => void) =>
    (...args: A): void => {
      method(...args);
      recorder.compare();
    };
  playWith((policy, sink) => {
    const send = sink.send.bind(sink);
    const answer = sink.answer.bind(sink);
    const fail = sink.fail.bind(sink);
    sink.send = (batch) => {
      recorder.sent(batch);
      send(batch);
    };
    sink.answer = (call, reply) => {
      recorder.answered(call, reply);
      answer(call, reply);
    };
    sink.fail = (call, failure) => {
      recorder.answered(call, undefined);
      fail(call, failure);
    };
    const core = make(policy, sink);
    const part = core.part.bind(core);
    core.part = (batch, index, reply, early, nowMs) => {
      recorder.part(batch, index, early, nowMs);
      part(batch, index, reply, early, nowMs);
    };
    const wake = core.wake.bind(core);
    core.wake = thenCompare((nowMs: number) => {
      recorder.graceEnds(nowMs);
      wake(nowMs);
    });
    const settle = core.settle.bind(core);
    core.settle = thenCompare((batch, ending, nowMs) => {
      recorder.ends(batch, ending);
      settle(batch, ending, nowMs);
    });
    core.cancel = thenCompare(core.cancel.bind(core));
    core.begin = thenCompare(core.begin.bind(core));
    return core;
  });
  recorder.end();
  return recorder.lines;
}
