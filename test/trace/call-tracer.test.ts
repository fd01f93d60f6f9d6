import { expect, test } from '@jest/globals';
import { CallTracer, type TracedExchange } from '../../src/trace/call-tracer.ts';
import { FakeSource } from './fake-source.ts';

function rig(sampleRatio: number, rolls: readonly number[] = []) {
  const source = new FakeSource();
  const left = [...rolls];
  let dropped = 0;
  const tracer = new CallTracer(source, {
    sampleRatio,
    maxOpen: 2,
    random: () => left.shift() ?? 0.999_999,
    hashUser: (name) => `hash of ${name}`,
    dropped: () => (dropped += 1),
  });
  return { source, tracer, dropped: () => dropped };
}

function exchange(headers: readonly string[] = [], method = 'GET'): TracedExchange {
  const request = { method, url: '/x?secret', httpVersion: '1.1', socket: {} };
  return { request, head: { headers, user: '' }, startedAtMs: 0 } as unknown as TracedExchange;
}

const parent = (flags: string): string[] => [
  'Traceparent',
  `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${flags}`,
];
const end = { via: 'single', status: 200, callerLeft: false, poll: false };

test('a call without a trace is traced by chance', () => {
  const { tracer } = rig(0.25, [0.24, 0.25, 0.9]);
  expect([1, 2, 3].map(() => tracer.begin(exchange()) !== undefined)).toEqual([true, false, false]);
});

test('shares of 0 and 1 are exact', () => {
  expect(rig(0, [0]).tracer.begin(exchange())).toBeUndefined();
  expect(rig(1, [0.999_999_9]).tracer.begin(exchange())).toBeDefined();
});

test('the client of a call with a trace decides, without a roll', () => {
  expect(rig(0, [0]).tracer.begin(exchange(parent('01')))).toBeDefined();
  expect(rig(1, [0]).tracer.begin(exchange(parent('00')))).toBeUndefined();
});

test('an invalid or repeated traceparent counts as none', () => {
  const { tracer } = rig(0);
  expect(tracer.begin(exchange([...parent('01'), ...parent('01')]))).toBeUndefined();
  expect(tracer.begin(exchange(['traceparent', 'x'.repeat(10_000)]))).toBeUndefined();
});

test('calls over the limit are not traced, and counted, until a traced call ends', () => {
  const { source, tracer, dropped } = rig(0);
  const begin = () => tracer.begin(exchange(parent('01')));
  const first = begin();
  begin();
  expect(begin()).toBeUndefined();
  expect(dropped()).toBe(1);
  first?.finished(end, 1);
  first?.finished(end, 2);
  expect(source.spans[0]?.isEnded).toBe(true);
  expect(begin()).toBeDefined();
  expect(begin()).toBeUndefined();
});

test('an unknown method is not shown', () => {
  const { source, tracer } = rig(1);
  tracer.begin(exchange([], 'SECRET'));
  expect(source.spans[0]).toMatchObject({ name: 'HTTP /{}' });
  expect(JSON.stringify(source.spans)).not.toMatch(/secret/i);
});
