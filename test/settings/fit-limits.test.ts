import { expect, test } from '@jest/globals';
import { fitLimits } from '../../src/settings/fit-limits.ts';
import { settingsOf } from './load.ts';

const MiB = 1024 * 1024;

test('limits that the machine can hold stay as they are', () => {
  const settings = settingsOf({});
  expect(fitLimits(settings, { heapBytes: 4096 * MiB, openFiles: 1_000_000 })).toEqual({
    settings,
    notes: [],
  });
  expect(fitLimits(settings, { heapBytes: 4096 * MiB, openFiles: undefined }).notes).toEqual([]);
});

test('bytes shrink to a quarter of the heap, what is counted to an eighth, with a note for each', () => {
  const { settings, notes } = fitLimits(settingsOf({}), {
    heapBytes: 12 * MiB,
    openFiles: undefined,
  });
  expect(settings.limits).toMatchObject({
    maxQueuedCalls: 256,
    maxQueuedCallsPerUser: 256,
    maxQueuedBytes: 3 * MiB,
    maxQueuedBytesPerUser: 3 * MiB,
    maxBufferedResponseBytes: 3 * MiB,
    maxConnections: 384,
    maxLongPolls: 96,
    maxUsers: 768,
  });
  expect(notes).toEqual([
    'limits.maxQueuedCalls is 256 instead of 10000: an eighth of the heap',
    'limits.maxQueuedBytes is 3145728 instead of 67108864: a quarter of the heap',
    'limits.maxBufferedResponseBytes is 3145728 instead of 67108864: a quarter of the heap',
    'limits.maxConnections is 384 instead of 20000: an eighth of the heap',
    'limits.maxLongPolls is 96 instead of 10000: an eighth of the heap',
    'limits.maxUsers is 768 instead of 50000: an eighth of the heap',
  ]);
});

test('client connections and polls share the open files that other connections to the pool leave over', () => {
  const { settings, notes } = fitLimits(settingsOf({}), { heapBytes: 4096 * MiB, openFiles: 1024 });
  const { maxConnections, maxLongPolls } = settings.limits;
  expect(maxConnections + maxLongPolls).toBeLessThanOrEqual(1024 - 2 * 128 - 160);
  expect(notes).toEqual([
    'limits.maxConnections is 405 instead of 20000: the open-files limit of the process',
    'limits.maxLongPolls is 202 instead of 10000: the open-files limit of the process',
  ]);
});

test('something is served however few open files there are', () => {
  const { settings } = fitLimits(settingsOf({}), { heapBytes: 4096 * MiB, openFiles: 64 });
  expect(settings.limits).toMatchObject({ maxConnections: 1, maxLongPolls: 1 });
});

test('bound connections are fitted like polls, where clients may have them', () => {
  const bind = {
    ...settingsOf({}),
    upstream: { ...settingsOf({}).upstream, connectionAuth: 'bind' },
  } as const;
  const byHeap = fitLimits(bind, { heapBytes: 128 * MiB, openFiles: undefined });
  expect(byHeap.settings.upstream.maxBoundConnections).toBe(1024);
  expect(byHeap.notes).toContain(
    'upstream.maxBoundConnections is 1024 instead of 2000: an eighth of the heap',
  );
  const byFiles = fitLimits(bind, { heapBytes: 4096 * MiB, openFiles: 1024 }).settings;
  const { maxConnections, maxLongPolls } = byFiles.limits;
  const { maxBoundConnections } = byFiles.upstream;
  expect(maxConnections + maxLongPolls + maxBoundConnections).toBeLessThanOrEqual(
    1024 - 2 * 128 - 160,
  );
});
