import { expect, test } from '@jest/globals';
import {
  readTrace,
  traceHeader,
  traceLine,
  type TraceCall,
} from '../../../src/core/shadow/trace.ts';

const call: TraceCall = {
  atMs: 12.5,
  user: 'a1',
  key: 'b2',
  callClass: 'safe',
  method: 'GET',
  route: '/people/{}/note',
  resource: 'c3',
  same: 'd4',
  sizeBytes: 400,
  tookMs: 30.25,
  status: 200,
};

test('calls are read as they were written, in order of arrival', () => {
  const calls = [call, { ...call, atMs: 3, same: '', callClass: 'unsafe' as const, status: 0 }];
  const text = [traceHeader, ...calls.map(traceLine), ''].join('\n');
  expect(readTrace('t.csv', text)).toEqual({ ok: true, calls: calls.toReversed() });
  expect(readTrace('t.csv', text.replaceAll('\n', '\r\n'))).toMatchObject({ ok: true });
});

test('an incomplete last line is ignored', () => {
  const text = `${traceHeader}\n${traceLine(call)}\n${traceLine(call).slice(0, 20)}`;
  expect(readTrace('t.csv', text)).toEqual({ ok: true, calls: [call] });
});

test.each([
  ['', 't.csv: expected a trace, found nothing'],
  ['a,b\n', `t.csv:1:1: expected the columns ${traceHeader}`],
  [`${traceHeader}\n`, 't.csv: expected calls, found none'],
])('%j is no trace', (text, problem) => {
  expect(readTrace('t.csv', text)).toEqual({ ok: false, problems: [problem] });
});

test.each([
  [traceLine(call).replace('a1', ''), '7: user: expected a hash, found nothing'],
  [
    traceLine(call).replace('safe', 'Bearer cwt=x'),
    '13: class: expected safe, unsafe or operation, found other text',
  ],
  [
    traceLine(call).replace(/,200$/, ''),
    '53: status: expected a status, 0 for none, found the end of the line',
  ],
  [`${traceLine(call)},1`, '58: expected the end of the line'],
])('a problem names its line and column, and does not repeat the text: %s', (line, problem) => {
  const text = [traceHeader, traceLine(call), line, ''].join('\n');
  expect(readTrace('t.csv', text)).toEqual({ ok: false, problems: [`t.csv:3:${problem}`] });
});

test('at most 20 problems are reported', () => {
  const text = [traceHeader, ...new Array<string>(500).fill('nonsense'), ''].join('\n');
  const read = readTrace('t.csv', text);
  expect(read.ok ? [] : read.problems).toHaveLength(20);
});
