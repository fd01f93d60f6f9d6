/** How long the proxy keeps the heads of GETs, with their credentials, as examples for its own. */
import { beforeEach, expect, test } from '@jest/globals';
import { Relation } from '../../../src/core/priming/channel.ts';
import { idleForMs, type Sample, Samples } from '../../../src/core/priming/samples.ts';
import { WasteBudget } from '../../../src/core/priming/waste-budget.ts';
import { aKey } from '../../support/recording-sink.ts';

const ann = aKey('ann');
const accept = 'Accept\na/b';

let nowMs: number;
let samples: Samples;

beforeEach(() => {
  nowMs = 0;
  samples = new Samples(1_000_000);
});

const aRelation = (): Relation => new Relation(new WasteBudget(10));

const aSample = (fields = accept, key = ann): Sample => ({
  key,
  fields,
  headers: ['Authorization', key.authorization ?? '', ...fields.split('\n')],
});

function asked(relation: Relation, fields = accept, key = ann): void {
  samples.asked(relation, aSample(fields, key), nowMs);
}

test('all relations of a channel share one example', () => {
  const relations = Array.from({ length: 64 }, aRelation);
  samples.pollBegan(ann);
  for (const relation of relations) asked(relation);
  const [first, ...others] = relations.map((relation) => samples.get(ann, relation));
  expect(first).toEqual(aSample());
  for (const other of others) expect(other).toBe(first);
  expect([samples.size, samples.bytes < 1000]).toEqual([1, true]);
  expect(samples.get(ann, aRelation())).toBeUndefined();
  expect(samples.get(aKey('ben'), relations[0] as Relation)).toBeUndefined();
});

test('a relation with other fields has no example, until most GETs have these fields', () => {
  const [presence, photo] = [aRelation(), aRelation()];
  for (let i = 0; i < 20; i += 1) asked(presence);
  for (let i = 0; i < 7; i += 1) asked(photo, 'Accept\nimage/png');
  expect(samples.get(ann, photo)).toBeUndefined();
  expect(samples.get(ann, presence)?.fields).toBe(accept);
  asked(photo, 'Accept\nimage/png');
  expect(samples.get(ann, photo)?.fields).toBe('Accept\nimage/png');
  expect(samples.get(ann, presence)).toBeUndefined();
});

test('a new credential takes the place of the old one at once', () => {
  const relation = aRelation();
  for (let i = 0; i < 20; i += 1) asked(relation);
  const renewed = { ...ann, authorization: 'new' };
  asked(relation, accept, renewed);
  expect(samples.get(ann, relation)?.key).toBe(renewed);
  expect(samples.size).toBe(1);
});

test('a GET with a condition is no example, and replaces none', () => {
  const [one, other] = [aRelation(), aRelation()];
  asked(one);
  asked(other);
  asked(other, 'If-None-Match\n"1"');
  expect(samples.get(ann, one)).toEqual(aSample());
  expect(samples.get(ann, other)).toBeUndefined();
});

test('the example is dropped when no poll of the channel is open any more', () => {
  const relation = aRelation();
  samples.pollBegan(ann);
  samples.pollBegan(ann);
  asked(relation);
  samples.pollEnded(ann, false, nowMs);
  expect(samples.nextAtMs).toBe(Infinity);
  samples.pollEnded(ann, false, nowMs);
  expect(samples.nextAtMs).toBe(idleForMs);
  nowMs += idleForMs - 1;
  samples.wake(nowMs);
  samples.pollBegan(ann);
  nowMs += idleForMs;
  samples.wake(nowMs);
  expect(samples.get(ann, relation)).toBeDefined();
  samples.pollEnded(ann, false, nowMs);
  samples.wake((nowMs += idleForMs));
  expect([samples.size, samples.bytes, samples.nextAtMs]).toEqual([0, 0, Infinity]);
  expect(samples.get(ann, relation)).toBeUndefined();
});

test('the example of a GET without an open poll is dropped too', () => {
  asked(aRelation());
  expect(samples.nextAtMs).toBe(idleForMs);
  samples.wake(idleForMs);
  expect(samples.size).toBe(0);
});

test('the example is dropped at once when the channel ends', () => {
  samples.pollBegan(ann);
  asked(aRelation());
  samples.pollEnded(ann, true, nowMs);
  expect([samples.size, samples.bytes]).toEqual([0, 0]);
});

test('all examples together take a bounded number of bytes', () => {
  const relations = Array.from({ length: 1000 }, aRelation);
  const keyOf = (i: number) => aKey(`user ${i}`);
  const fields = `Accept\n${'x'.repeat(5000)}`;
  relations.forEach((relation, i) => {
    samples.pollBegan(keyOf(i));
    asked(relation, fields, keyOf(i));
    expect(samples.bytes).toBeLessThanOrEqual(1_000_000);
  });
  expect(samples.size).toBeGreaterThan(50);
  expect(samples.get(keyOf(0), relations[0] as Relation)).toBeUndefined();
  expect(samples.get(keyOf(999), relations[999] as Relation)).toBeDefined();
  asked(aRelation(), `Accept\n${'x'.repeat(1_000_000)}`);
  expect(samples.get(keyOf(999), relations[999] as Relation)).toBeDefined();
  samples.dropAll();
  expect([samples.size, samples.bytes]).toEqual([0, 0]);
});
