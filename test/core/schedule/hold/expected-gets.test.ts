/** Holds for GETs that an event has announced. */
import { beforeEach, expect, test } from '@jest/globals';
import type { ExpectedGets } from '../../../../src/core/schedule/policy.ts';
import { Recorder } from '../../../support/recording-sink.ts';

/** Expects calls until this time, in ms; `undefined`: knows of no event. */
let untilMs: number | undefined;
let recorder: Recorder;

const expectedGets: ExpectedGets = {
  isGathering: false,
  holdUntilMs: () => untilMs,
};

beforeEach(() => {
  untilMs = undefined;
  recorder = new Recorder({ mode: 'adaptive', lingerMaxMs: 15, expectedGets });
});

test('the calls are sent with the last expected one, also if they come in one turn', () => {
  untilMs = 60;
  recorder.submit('a', 50);
  recorder.turn(50);
  expect(recorder.grant(50)).toEqual([]);
  untilMs = 55;
  recorder.submit('b', 55);
  expect(recorder.grant(55)).toEqual(['a b (idle)']);
});

test('the calls are held for at most lingerMaxMs', () => {
  untilMs = 500;
  recorder.submit('a', 50);
  recorder.submit('b', 60);
  recorder.core.wake(64);
  expect(recorder.grant(64)).toEqual([]);
  recorder.core.wake(65);
  expect(recorder.grant(65)).toEqual(['a b (linger)']);
});

test('the calls are not held for longer than others are expected', () => {
  untilMs = 55;
  recorder.submit('a', 50);
  recorder.core.wake(55);
  expect(recorder.grant(55)).toEqual(['a (idle)']);
});

test('a call that joins in the turn of an ordinary call holds that call too', () => {
  recorder.submit('a', 50);
  untilMs = 60;
  recorder.submit('b', 50);
  recorder.turn(50);
  expect(recorder.grant(50)).toEqual([]);
  recorder.core.wake(60);
  expect(recorder.grant(60)).toEqual(['a b (idle)']);
});

test('a full batch is sent without the expected calls', () => {
  untilMs = 500;
  for (const name of ['a', 'b', 'c', 'd', 'e']) recorder.submit(name, 50);
  expect(recorder.grant(50)).toEqual(['a b c d e (parts)']);
});

test('after the drain no call is held for others', () => {
  recorder.core.drain(40);
  untilMs = 500;
  recorder.submit('a', 50);
  expect(recorder.grant(50)).toEqual(['a (drain)']);
});

test('writes are held as always', () => {
  untilMs = 500;
  recorder.submit('a', 50, undefined, { callClass: 'unsafe', method: 'PUT' });
  recorder.turn(50);
  expect(recorder.grant(50)).toEqual(['a (idle)']);
});

test('an urgent call is sent at once, and takes the held calls along', () => {
  untilMs = 500;
  recorder.submit('a', 50);
  recorder.submit('b', 51, undefined, { urgency: 1 });
  recorder.turn(51);
  expect(recorder.grant(51)).toEqual(['a b (idle)']);
});
