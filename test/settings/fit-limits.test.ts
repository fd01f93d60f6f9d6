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

test('bytes shrink to a quarter of the heap, with a note for each', () => {
  const { settings, notes } = fitLimits(settingsOf({}), {
    heapBytes: 8 * MiB,
    openFiles: undefined,
  });
  expect(settings.limits).toMatchObject({
    maxQueuedBytes: 2 * MiB,
    maxQueuedBytesPerUser: 2 * MiB,
    maxBufferedResponseBytes: 2 * MiB,
  });
  expect(notes).toEqual([
    'limits.maxQueuedBytes is 2097152 instead of 67108864: a quarter of the heap',
    'limits.maxBufferedResponseBytes is 2097152 instead of 67108864: a quarter of the heap',
  ]);
});

test('client connections and polls share the open files that other connections to the pool leave over', () => {
  const { settings, notes } = fitLimits(settingsOf({}), { heapBytes: 4096 * MiB, openFiles: 1024 });
  const { maxConnections, maxLongPolls } = settings.limits;
  expect(maxConnections + maxLongPolls).toBeLessThanOrEqual(1024 - 2 * 128 - 64);
  expect(notes).toEqual([
    'limits.maxConnections is 469 instead of 20000: the open-files limit of the process',
    'limits.maxLongPolls is 234 instead of 10000: the open-files limit of the process',
  ]);
});

test('something is served however few open files there are', () => {
  const { settings } = fitLimits(settingsOf({}), { heapBytes: 4096 * MiB, openFiles: 64 });
  expect(settings.limits).toMatchObject({ maxConnections: 1, maxLongPolls: 1 });
});
