import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Comparison } from '../../src/core/parity/comparison.ts';
import type { Arrival, Call } from '../../src/core/schedule/state.ts';
import type { Caller } from '../../src/engine/caller.ts';
import { Verifier } from '../../src/parity/verifier.ts';
import { aKey, app } from '../support/recording-sink.ts';

const head = { status: 200, reason: 'OK', headers: ['Content-Type', 'application/json'] };
const reply = (text: string, asked?: Arrival<Caller>) => ({
  ...{ ...head, body: Buffer.from(text) },
  ...(asked && { asked }),
});
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A caller that notes what it got. */
function aCaller(got: string[]): Caller {
  return {
    ...{ onlyXml: false, takesCodings: true, onDrained: undefined },
    answer: ({ body }) => void got.push(body.toString()),
    begin: ({ status }) => void got.push(String(status)),
    write: (chunk) => got.push(chunk.toString()) > 0,
    end: () => void got.push('end'),
    cutReader: () => void got.push('cut'),
    cut: () => void got.push('cut'),
  };
}

/** An engine that the test answers for, and a clock that the test sets. */
class World {
  nowMs = 1000;
  room = 10;
  readonly submitted: Array<Arrival<Caller>> = [];
  readonly compared: Array<[string, Comparison['outcome']]> = [];
  skipped = 0;
  readonly got: string[] = [];
  readonly #timers: Array<{ atMs: number; run: () => void }> = [];
  readonly verifier = new Verifier({
    clock: {
      now: () => this.nowMs,
      setTimer: (atMs, run) => {
        const timer = { atMs, run };
        this.#timers.push(timer);
        return () => void this.#timers.splice(this.#timers.indexOf(timer), 1);
      },
    },
    engine: {
      submit: (arrival) => {
        this.submitted.push(arrival);
        const batch = { sentAtMs: this.nowMs - 40 };
        return { ...arrival, batch, route: { name: '/me' } } as unknown as Call<Caller>;
      },
      cancel: () => undefined,
      barrier: () => undefined,
      passedThrough: () => undefined,
      drain: () => undefined,
      spareRoom: () => this.room,
    },
    random: () => 0.5,
    settings: { verify: 1 },
    compared: (route, { outcome }) => void this.compared.push([route, outcome]),
    skipped: () => void (this.skipped += 1),
    asked: () => undefined,
  });

  /** Sends a GET of a client that a batch answers with this text. */
  async batched(text = 'a'): Promise<void> {
    const arrival = this.get();
    this.verifier.submit(arrival);
    this.submitted.at(-1)!.caller.answer(reply(text, arrival));
    await turn();
  }

  get(): Arrival<Caller> {
    return {
      ...{ key: aKey('ann'), callClass: 'safe', resource: `${app}/me`, collapsible: true },
      ...{ method: 'GET', target: `${app}/me`, headers: ['Accept-Encoding', 'gzip'] },
      ...{ body: Buffer.alloc(0), sizeBytes: 10, caller: aCaller(this.got) },
    };
  }

  /** Answers the last GET of the proxy in pieces. */
  answer(text: string): void {
    const { caller } = this.submitted.at(-1)!;
    caller.begin(head, true);
    for (const piece of text) caller.write(Buffer.from(piece));
    caller.end();
  }

  /** Moves the time, and runs what is due. */
  at(nowMs: number): void {
    this.nowMs = nowMs;
    for (const timer of this.#timers.filter(({ atMs }) => atMs <= nowMs)) {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      timer.run();
    }
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

test('a GET from a batch is asked twice, and the second request waits as long as the first one did', async () => {
  await world.batched();
  expect(world.got).toEqual(['a']);
  expect(world.submitted).toHaveLength(2);
  expect(world.submitted[1]).toMatchObject({
    ...{ method: 'GET', isAlone: true, collapsible: false },
    headers: ['Accept-Encoding', 'identity'],
  });
  world.answer('a');
  world.at(1039);
  expect(world.submitted).toHaveLength(2);
  world.at(1040);
  expect(world.submitted).toHaveLength(3);
  world.answer('a');
  expect(world.compared).toEqual([['/me', 'same']]);
});

test.each([
  ['b', 'a', 'a', 'differs'],
  ['a', 'a', 'b', 'noisy'],
  ['a', 'b', 'a', 'noisy'],
])(
  'an answer %s beside direct answers %s and %s is %s',
  async (batched, first, second, outcome) => {
    await world.batched(batched);
    world.answer(first);
    world.at(1040);
    world.answer(second);
    expect(world.compared).toEqual([['/me', outcome]]);
  },
);

test('a direct GET that breaks off, or must be sent again, is no answer', async () => {
  await world.batched();
  world.submitted.at(-1)!.caller.cut();
  world.at(1040);
  world.answer('a');
  expect(world.compared).toEqual([['/me', 'noisy']]);
});

test('two direct GETs without an answer say nothing about the batch', async () => {
  await world.batched();
  world.submitted.at(-1)!.caller.cut();
  world.at(1040);
  world.submitted.at(-1)!.caller.cut();
  expect([world.compared, world.skipped]).toEqual([[], 1]);
});

describe('there is no direct GET', () => {
  test('for a call that a request of its own answered', async () => {
    const arrival = world.get();
    world.verifier.submit(arrival);
    world.answer('a');
    await turn();
    expect(world.got).toEqual(['200', 'a', 'end']);
    expect(world.submitted).toHaveLength(1);
  });

  test('for a write', () => {
    const write = { ...world.get(), method: 'POST', callClass: 'unsafe' } as const;
    world.verifier.submit(write);
    expect(world.submitted[0]!.caller).toBe(write.caller);
  });

  test('without room for two, and no second one without room', async () => {
    world.room = 1;
    await world.batched();
    expect([world.submitted.length, world.skipped]).toEqual([1, 1]);
    world.room = 2;
    await world.batched();
    expect(world.submitted).toHaveLength(3);
    world.answer('a');
    world.room = 0;
    world.at(1040);
    expect([world.submitted.length, world.skipped]).toEqual([3, 2]);
  });

  test('while 32 comparisons are under way', async () => {
    for (let i = 0; i < 40; i += 1) await world.batched();
    expect([world.submitted.length - 40, world.skipped]).toEqual([32, 8]);
  });

  test('beyond the budget: 100 at once, and 10 in a second', async () => {
    const compare = async (): Promise<void> => {
      await world.batched();
      world.answer('a');
      world.at(world.nowMs + 40);
      world.answer('a');
    };
    for (let i = 0; i < 200; i += 1) await compare();
    // 200 rounds take 8 s.
    expect(world.compared).toHaveLength(90);
  });

  test('after a stop, also if the stop answers the first direct GET', async () => {
    await world.batched();
    world.verifier.stop();
    world.submitted.at(-1)!.caller.cut();
    world.at(2000);
    expect(world.submitted).toHaveLength(2);
  });

  test('after the drain has begun', async () => {
    await world.batched();
    world.answer('a');
    world.verifier.stop();
    world.at(2000);
    await world.batched();
    expect(world.submitted).toHaveLength(3);
  });
});
