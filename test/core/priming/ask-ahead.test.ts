/** When the proxy asks for resources before the client does. */
import { beforeEach, expect, test } from '@jest/globals';
import { AskAhead, type AskAheadSink } from '../../../src/core/priming/ask-ahead.ts';
import { DueGets } from '../../../src/core/priming/due-gets.ts';
import { mayRunForMs, OpenWrites } from '../../../src/core/priming/open-writes.ts';
import {
  PrimedAnswers,
  type PrimedGet,
  type PrimedOutcome,
} from '../../../src/core/priming/primed-answers.ts';
import type { Sample } from '../../../src/core/priming/samples.ts';
import { aKey, app, aReply } from '../../support/recording-sink.ts';

const MiB = 1024 * 1024;
const key = aKey('ann');
const target = (i: number): string => `${app}/people/p${i}`;

let nowMs: number;
let spareRoom: number;
let sent: Array<{ readonly get: PrimedGet<string>; readonly sample: Sample }>;
let said: string[];
let outcomes: PrimedOutcome[];
let due: DueGets;
let answers: PrimedAnswers<string>;
let ahead: AskAhead<string>;

beforeEach(() => {
  nowMs = 0;
  spareRoom = 100;
  sent = [];
  said = [];
  outcomes = [];
  due = new DueGets();
  answers = new PrimedAnswers<string>(
    { maxEach: 50, max: 80, maxBytesEach: 10, maxBytes: 25 },
    {
      answer: (waiter, reply) => said.push(`${waiter}: ${reply.body.toString()}`),
      sendOn: (waiter) => said.push(`${waiter}: sent`),
      over: (get, outcome) => {
        outcomes.push(outcome);
        ahead.over(get, outcome);
      },
    },
  );
  const sink: AskAheadSink<string> = {
    spareRoom: () => spareRoom,
    send: (gets) => void sent.push(...gets),
  };
  ahead = new AskAhead(due, answers, sink, MiB);
});

function event(first: number, count: number, user = 'ann'): string[] {
  const changes = Array.from({ length: count }, (_, i) => ({
    ...{ rel: 'contact', type: 'updated' },
    target: target(first + i),
  }));
  const before = sent.length;
  ahead.changed(
    { user, applicationPath: app },
    changes,
    due.changed(user, app, changes, nowMs),
    nowMs,
  );
  return sent.slice(before).map(({ get }) => get.question.target);
}

function ask(i: number, fields = 'Accept\nx'): void {
  const question = { key, target: target(i), fields };
  const relation = due.asked(key, target(i), nowMs);
  if (relation !== undefined) ahead.asked(relation, { key, fields, headers: [] }, nowMs);
  answers.take(question, `p${i}`, nowMs);
}

/** The client reads this number of resources after their events. */
function learn(count: number, fields?: string): void {
  for (let i = 0; i < count; i += 1) {
    event(i, 1);
    nowMs += 60;
    ask(i, fields);
    for (const { get } of sent.splice(0)) answers.arrived(get, aReply(''), nowMs);
  }
  nowMs += 5000;
  answers.wake(nowMs);
  outcomes = [];
  said = [];
}

test('the proxy asks after 25 events that the client followed, and not before', () => {
  learn(24);
  expect(event(100, 2)).toEqual([]);
  nowMs += 60;
  ask(100);
  ask(101);
  nowMs += 5000;
  expect(event(200, 2)).toEqual([target(200), target(201)]);
  expect(sent[0]?.sample).toMatchObject({ key, fields: 'Accept\nx' });
});

test('the proxy does not ask again if the share falls', () => {
  learn(40);
  for (let n = 0; n < 5; n += 1) {
    event(100, 1);
    nowMs += 5000;
    answers.wake(nowMs);
  }
  expect(event(200, 1)).toEqual([]);
});

test('the proxy asks for no more than the spare room of the user', () => {
  learn(40);
  spareRoom = 3;
  expect(event(100, 10)).toHaveLength(3);
  spareRoom = 0;
  expect(event(200, 10)).toEqual([]);
});

test('the proxy asks for a bounded number of resources of a user, and of all', () => {
  learn(40);
  spareRoom = 1000;
  expect(event(100, 200)).toHaveLength(50);
  expect(event(300, 200)).toEqual([]);
  expect(answers.size).toBe(50);
});

test('answers in vain use up a budget, which the GETs that follow events fill', () => {
  learn(40);
  let wasted = 0;
  // All of these answers are in vain, but the client reads as much of other events.
  for (let n = 0; n < 40; n += 1) {
    const asked = event(1000, 1);
    answers.changed('ann', [{ rel: '', type: 'updated', target: target(1000) }]);
    wasted += asked.length;
    nowMs += 10;
    ask(1000);
  }
  expect(wasted).toBeGreaterThan(5);
  expect(wasted).toBeLessThanOrEqual(10 + 0.1 * 80 + 1);
});

test('no GET is held for a resource that the proxy asks for', () => {
  learn(40);
  event(100, 1);
  nowMs += 10;
  due.asked(key, target(100), nowMs);
  expect(due.holdUntilMs(key, 1, nowMs)).toBeUndefined();
});

test.each([
  [1, 0],
  [2, 1],
])('%i GETs of the proxy are gathered for %i ms', (count, gatherMs) => {
  learn(40);
  const held: Array<number | undefined> = [];
  const sink: AskAheadSink<string> = {
    spareRoom: () => 10,
    send: () => held.push(due.holdUntilMs(key, 1, nowMs)),
  };
  const gathering = new AskAhead(due, answers, sink, MiB);
  const changes = Array.from({ length: count }, (_, i) => ({
    ...{ rel: 'contact', type: 'updated' },
    target: target(i),
  }));
  const named = due.changed('ann', app, changes, nowMs);
  for (const relation of named.values()) {
    gathering.asked(relation, { key, fields: '', headers: [] }, nowMs);
  }
  gathering.changed(key, changes, named, nowMs);
  expect(held).toEqual([nowMs + gatherMs]);
  expect(due.isGathering).toBe(false);
});

test('a GET with a condition is no example for others', () => {
  learn(40, 'If-None-Match\n"1"');
  expect(event(100, 1)).toEqual([]);
});

test('the proxy does not ask while a write of the user is under way', () => {
  learn(40);
  answers.writeBegan('ann');
  expect(event(100, 1)).toEqual([]);
  answers.writeEnded('ann', true, nowMs);
  expect(event(101, 1)).toEqual([target(101)]);
});

test('an answer that takes longer than 2 s is not used, and its client is not kept waiting', () => {
  learn(40);
  event(100, 1);
  ask(100);
  expect(answers.nextAtMs).toBe(nowMs + 2000);
  nowMs += 2000;
  answers.wake(nowMs);
  expect([said, outcomes]).toEqual([['p100: sent'], ['failed']]);
});

test('answers take a bounded number of bytes', () => {
  learn(40);
  event(100, 5);
  const bodies = ['x'.repeat(11), 'x'.repeat(10), 'x'.repeat(10), 'x'.repeat(10), ''];
  sent.forEach(({ get }, i) => answers.arrived(get, aReply(bodies[i] ?? ''), nowMs));
  expect([answers.size, answers.bytes, outcomes]).toEqual([3, 20, ['failed', 'failed']]);
  answers.endAll();
  expect([answers.size, answers.bytes]).toEqual([0, 0]);
});

test('a user is quiet for 30 s after a write without an answer', () => {
  const writes = new OpenWrites();
  writes.began('ann');
  writes.began('ann');
  writes.ended('ann', true, 0);
  expect(writes.has('ann', 0)).toBe(true);
  writes.ended('ann', false, 0);
  expect([writes.has('ann', mayRunForMs - 1), writes.has('bob', 0)]).toEqual([true, false]);
  expect([writes.has('ann', mayRunForMs), writes.size]).toEqual([false, 0]);
});

test('10,000 users with writes are remembered; if there are more, all users are quiet for 30 s', () => {
  const writes = new OpenWrites();
  for (let i = 0; i <= 10_000; i += 1) {
    writes.began(`u${i}`);
    writes.ended(`u${i}`, false, 5);
  }
  expect([writes.size, writes.has('bob', 6)]).toEqual([0, true]);
  expect(writes.has('bob', 5 + mayRunForMs)).toBe(false);
});

test('an event answer that is not read outdates all answers of its user, and of no other', () => {
  for (const name of ['ann', 'ben']) {
    for (const i of [1, 2]) answers.ask({ key: aKey(name), target: target(i), fields: '' }, nowMs);
  }
  answers.outdate('ann');
  answers.outdate('cid');
  expect(outcomes).toEqual(['outdated', 'outdated']);
  expect(answers.size).toBe(2);
});
