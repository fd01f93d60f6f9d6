import { describe, expect, test } from '@jest/globals';
import {
  fitLimits as fitLimitsOf,
  type FittedLimits,
  type Resources,
} from '../../src/settings/fit-limits.ts';
import type { Settings } from '../../src/settings/schema.ts';
import { settingsOf } from './load.ts';

const MiB = 1024 * 1024;

/** Fits limits as if a source gave all of them. */
function fitLimits(settings: Settings, resources: Resources): FittedLimits {
  return fitLimitsOf(settings, resources, () => true);
}

test('limits that fit the resources do not change', () => {
  const settings = settingsOf({});
  expect(fitLimits(settings, { heapBytes: 4096 * MiB, openFiles: 1_000_000 })).toEqual({
    settings,
    notes: [],
    lowered: {},
  });
  expect(fitLimits(settings, { heapBytes: 4096 * MiB, openFiles: undefined }).notes).toEqual([]);
});

test('limits of bytes fall to a quarter of the heap, other limits to an eighth, with a note for each', () => {
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
    'limits.maxQueuedCalls is lowered from 10000 to 256, to fit an eighth of the heap',
    'limits.maxQueuedBytes is lowered from 67108864 to 3145728, to fit a quarter of the heap',
    'limits.maxBufferedResponseBytes is lowered from 67108864 to 3145728, to fit a quarter of the heap',
    'limits.maxConnections is lowered from 20000 to 384, to fit an eighth of the heap',
    'limits.maxLongPolls is lowered from 10000 to 96, to fit an eighth of the heap',
    'limits.maxUsers is lowered from 50000 to 768, to fit an eighth of the heap',
  ]);
});

test('client connections and polls share the open files that remain after other connections to the pool', () => {
  const { settings, notes } = fitLimits(settingsOf({}), { heapBytes: 4096 * MiB, openFiles: 1024 });
  const { maxConnections, maxLongPolls } = settings.limits;
  expect(maxConnections + maxLongPolls).toBeLessThanOrEqual(1024 - 2 * 128 - 160);
  expect(notes).toEqual([
    'limits.maxConnections is lowered from 20000 to 405, to fit the open-files limit of the process; raise it with ulimit -n, or lower the setting',
    'limits.maxLongPolls is lowered from 10000 to 202, to fit the open-files limit of the process; raise it with ulimit -n, or lower the setting',
  ]);
});

test('a default that does not fit is lowered without a note', () => {
  const resources = { heapBytes: 4096 * MiB, openFiles: 1024 };
  const isGiven = (key: string): boolean => key === 'limits.maxLongPolls';
  const { settings, notes, lowered } = fitLimitsOf(settingsOf({}), resources, isGiven);
  expect(settings.limits).toMatchObject({ maxConnections: 405, maxLongPolls: 202 });
  expect(lowered).toEqual({ 'limits.maxConnections': 405 });
  expect(notes.map((note) => note.split(' ')[0])).toEqual(['limits.maxLongPolls']);
});

test('each limit is at least 1, even with very few open files', () => {
  const { settings } = fitLimits(settingsOf({}), { heapBytes: 4096 * MiB, openFiles: 64 });
  expect(settings.limits).toMatchObject({ maxConnections: 1, maxLongPolls: 1 });
});

test('the limit of bound connections is lowered like that of polls, if connectionAuth is bind', () => {
  const bind = {
    ...settingsOf({}),
    upstream: { ...settingsOf({}).upstream, connectionAuth: 'bind' },
  } as const;
  const byHeap = fitLimits(bind, { heapBytes: 128 * MiB, openFiles: undefined });
  expect(byHeap.settings.upstream.maxBoundConnections).toBe(1024);
  expect(byHeap.notes).toContain(
    'upstream.maxBoundConnections is lowered from 2000 to 1024, to fit an eighth of the heap',
  );
  const byFiles = fitLimits(bind, { heapBytes: 4096 * MiB, openFiles: 1024 }).settings;
  const { maxConnections, maxLongPolls } = byFiles.limits;
  const { maxBoundConnections } = byFiles.upstream;
  expect(maxConnections + maxLongPolls + maxBoundConnections).toBeLessThanOrEqual(
    1024 - 2 * 128 - 160,
  );
});

describe('plain servers', () => {
  const withPlain = (listen: string, connectionAuth: string): Settings =>
    settingsOf({
      file: `
listen: { ${listen} }
pools:
  - name: one
    servers: [https://pool.example]
    connectionAuth: ${connectionAuth}
    plainServers: [http://a.example:8080, http://b.example:8080]
`,
    });
  const total = ({ limits, upstream }: Settings, boundLimits: number): number =>
    limits.maxConnections + limits.maxLongPolls + boundLimits * upstream.maxBoundConnections;
  const few = { heapBytes: 4096 * MiB, openFiles: 1024 };

  test('their connections are subtracted from the open files, with those for large bodies', () => {
    const { settings } = fitLimits(withPlain("plain: '127.0.0.1:8081'", 'refuse'), few);
    const left = 1024 - 2 * 128 - 2 * (32 + 8) - 160;
    expect(total(settings, 0)).toBeLessThanOrEqual(left);
    expect(total(settings, 0)).toBeGreaterThan(left - 3);
  });

  test('each of them has the limit of bound connections, if connectionAuth is bind', () => {
    const bind = withPlain("plain: '127.0.0.1:8081'", 'bind');
    const { settings } = fitLimits(bind, few);
    expect(total(settings, 3)).toBeLessThanOrEqual(1024 - 2 * 128 - 2 * (32 + 8) - 160);
    const byHeap = fitLimits(bind, { heapBytes: 128 * MiB, openFiles: undefined });
    expect(byHeap.settings.upstream.maxBoundConnections).toBe(Math.floor(1024 / 3));
  });

  test('they have no connections without listen.plain', () => {
    const { settings } = fitLimits(withPlain('', 'refuse'), few);
    expect(total(settings, 0)).toBeGreaterThan(1024 - 2 * 128 - 160 - 3);
  });
});
