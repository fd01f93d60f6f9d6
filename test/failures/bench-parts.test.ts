/**
 * Runs each part of the benchmark to its end: it must return its measurements, and must fail on a wrong answer.
 * A run starts up to ten processes, so the tests take half a minute.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Program } from '../support/program.ts';
import { onlyWith } from '../support/real-parts.ts';
import { benchPath, newFolder, runBench } from '../bench/run-bench.ts';

const tiny = ['--quick', '--rounds', '1', '--round-ms', '40'];
const wrongBody = /the benchmark failed: .*got a wrong body/;
const swaps = ['--peer', benchPath('fixtures/swaps-answers.js')];
/** Generous, for a busy machine. */
const patienceMs = 120_000;

let dist: readonly string[];
let program: Program | undefined;
beforeAll(() => {
  program = Program.install();
  dist = ['--dist', program.path('')];
});
afterAll(() => program?.remove());

/** Runs a part to its end, and returns its data. */
async function measured(part: string, ...args: readonly string[]): Promise<unknown> {
  const json = join(await newFolder(), 'result.json');
  const { code, stderr } = await runBench([...tiny, '--only', part, ...args, '--json', json]);
  expect({ part, code, stderr }).toEqual({ part, code: 0, stderr: '' });
  return (JSON.parse(await readFile(json, 'utf8')) as { measured: unknown[] }).measured[0];
}

interface Rounds {
  readonly peers: ReadonlyArray<{
    readonly name: string;
    readonly rounds: ReadonlyArray<{
      calls: number;
      upstreamRequestsPerCall: number;
      pool: { through: number[] };
    }>;
  }>;
}

describe.each(['users', 'connections', 'answers', 'batches'])('the part %s', (part) => {
  test(
    'measures each size, and checks every answer',
    async () => {
      const { peers } = (await measured(part, '--peer', 'http-proxy')) as Rounds;
      expect(peers).toHaveLength(2);
      for (const { rounds } of peers) {
        expect(rounds.map((round) => round.upstreamRequestsPerCall)).toEqual([1]);
      }
    },
    patienceMs,
  );

  test(
    'fails when an answer is wrong',
    async () => {
      const { code, stderr } = await runBench([...tiny, '--only', part, ...swaps]);
      expect(code).toBe(1);
      expect(stderr).toMatch(wrongBody);
    },
    patienceMs,
  );
});

describe('the part memory', () => {
  interface Kinds {
    readonly kinds: ReadonlyArray<{
      what: string;
      points: ReadonlyArray<{ items: number; memory: { heapBytes: number } }>;
    }>;
  }

  test(
    'measures the memory of a connection, a parked call and a user',
    async () => {
      const { kinds } = (await measured('memory', ...dist)) as Kinds;
      expect(kinds).toHaveLength(3);
      for (const { what, points } of kinds) {
        const [small, large] = points;
        const each =
          (large!.memory.heapBytes - small!.memory.heapBytes) / (large!.items - small!.items);
        // Each item holds at least a token. A leak of all passing calls would cost much more.
        expect({ what, isSane: each > 400 && each < 40_000, each }).toMatchObject({ isSane: true });
      }
    },
    patienceMs,
  );

  test(
    'fails when calls that should be parked are answered',
    async () => {
      const peer = ['--peer', 'answers-itself'];
      const { code, stderr } = await runBench([...tiny, '--only', 'memory', ...peer]);
      expect(code).toBe(1);
      expect(stderr).toContain('calls are parked, not 800');
    },
    patienceMs,
  );
});

test(
  'the part start measures time, memory and size of the proxy and of its peers',
  async () => {
    interface Starts {
      readonly starts: ReadonlyArray<{
        readonly name: string;
        readonly starts: ReadonlyArray<{ readyMs: number; residentBytes: number }>;
      }>;
      readonly sizes: ReadonlyArray<{ readonly bytes: number }>;
    }
    const { starts, sizes } = (await measured('start', ...dist)) as Starts;
    expect(starts.map(({ name }) => name)).toEqual([
      ...['node alone', 'http-proxy', 'ucwa-batch-proxy'],
    ]);
    for (const { starts: all } of starts) {
      expect(all).toHaveLength(1);
      expect(all[0]!.readyMs).toBeGreaterThan(0);
      expect(all[0]!.residentBytes).toBeGreaterThan(1_000_000);
    }
    expect(Math.min(...sizes.map(({ bytes }) => bytes))).toBeGreaterThan(0);
  },
  patienceMs,
);

describe('the part processes', () => {
  const testWithBoth = onlyWith('nginx') === test ? onlyWith('haproxy') : test.skip;

  testWithBoth(
    'keeps each application at one of two processes, and uses both',
    async () => {
      const { peers } = (await measured('processes', ...dist)) as Rounds;
      const used = peers.map(({ name, rounds }) => [
        name,
        rounds.map(({ pool }) => pool.through.filter((count) => count > 0).length),
      ]);
      expect(used).toEqual([
        ['1 behind nginx', [1]],
        ['2 behind nginx', [2]],
        ['1 behind haproxy', [1]],
        ['2 behind haproxy', [2]],
      ]);
    },
    patienceMs,
  );

  test(
    'fails if the calls of one application come through both processes',
    async () => {
      const peer = ['--peer', benchPath('fixtures/scatters.js')];
      const { code, stderr } = await runBench([...tiny, '--only', 'processes', ...peer]);
      expect(code).toBe(1);
      expect(stderr).toContain('came through another proxy than their like');
    },
    patienceMs,
  );
});

describe('the part over-http2', () => {
  const testWithBoth = onlyWith('nginx') === test ? onlyWith('haproxy') : test.skip;

  testWithBoth(
    'measures what a call costs at the proxy, nginx and HAProxy, all with TLS',
    async () => {
      const { peers } = (await measured('over-http2', ...dist)) as Rounds;
      const names = ['ucwa-batch-proxy', 'nginx', 'haproxy'];
      // The proxy serves no HTTP/2 under Node 20.
      const able = process.version.startsWith('v20.') ? names.slice(1) : names;
      expect(peers.map(({ name }) => name)).toEqual(able);
      for (const { name, rounds } of peers) {
        const [{ calls, upstreamRequestsPerCall }] = rounds as [Rounds['peers'][0]['rounds'][0]];
        expect([name, calls > 0]).toEqual([name, true]);
        expect([name, upstreamRequestsPerCall < 1]).toEqual([name, name === names[0]]);
      }
    },
    patienceMs,
  );

  test(
    'fails when an answer is wrong',
    async () => {
      const peer = ['--peer', benchPath('fixtures/swaps-http2.js')];
      const { code, stderr } = await runBench([...tiny, '--only', 'over-http2', ...peer]);
      expect(code).toBe(1);
      expect(stderr).toMatch(wrongBody);
    },
    patienceMs,
  );
});

describe('the part phone-start', () => {
  interface Ways {
    readonly ways: ReadonlyArray<{
      name: string;
      starts: ReadonlyArray<{ ms: number; requests: number; connections: number }>;
    }>;
  }
  const testWithBalancer = onlyWith('nginx');

  testWithBalancer(
    'makes 20 calls at a round-trip time of 60 ms, with six connections and with HTTP/2',
    async () => {
      const { ways } = (await measured('phone-start', '--peer', 'http-proxy')) as Ways;
      expect(ways.map(({ name }) => name)).toEqual([
        'six HTTP/1.1, direct',
        'six HTTP/1.1, proxy',
        'HTTP/2 to nginx, direct',
        'HTTP/2 to nginx, proxy',
      ]);
      for (const { name, starts } of ways) {
        const [{ ms, requests, connections }] = starts as [Ways['ways'][number]['starts'][number]];
        expect([name, requests]).toEqual([name, 20]);
        // Twenty calls take four turns on six connections. Timers may fire a little early.
        expect(ms).toBeGreaterThanOrEqual((name.startsWith('six') ? 4 : 1) * 75);
        if (name === 'six HTTP/1.1, direct') expect(connections).toBe(6);
      }
    },
    patienceMs,
  );

  test(
    'fails when an answer is wrong',
    async () => {
      const { code, stderr } = await runBench([...tiny, '--only', 'phone-start', ...swaps]);
      expect(code).toBe(1);
      expect(stderr).toMatch(wrongBody);
    },
    patienceMs,
  );
});

describe('the part phone', () => {
  interface Scenes {
    readonly scenes: ReadonlyArray<{
      readonly scene: string;
      readonly ways: ReadonlyArray<{
        readonly name: string;
        readonly rounds: ReadonlyArray<Record<string, number>>;
      }>;
    }>;
  }

  test(
    'counts what a phone sends, receives and opens, directly and through the proxy',
    async () => {
      const { scenes } = (await measured('phone', ...dist)) as Scenes;
      expect(scenes.map(({ scene }) => scene)).toEqual([
        'start',
        'storm',
        'start',
        'storm',
        'hour',
      ]);
      const figure = (at: number, way: string, key: string): number =>
        scenes[at]!.ways.find(({ name }) => name === way)!.rounds[0]![key]!;
      for (const way of ['HTTP/1.1, direct', 'HTTP/1.1, proxy']) {
        expect([way, figure(0, way, 'requests')]).toEqual([way, 49]);
        expect([way, figure(0, way, 'connections')]).toEqual([way, 6]);
        // A poll, and each of the 100 resources that 200 events name.
        expect([way, figure(1, way, 'requests')]).toEqual([way, 101]);
      }
      expect(figure(1, 'HTTP/1.1, direct', 'poolRequests')).toBe(101);
      expect(figure(1, 'HTTP/1.1, proxy', 'poolRequests')).toBeLessThan(101);
      // In eight minutes: two polls end, a contact changes, and connections are closed twice.
      expect(figure(4, 'HTTP/1.1, direct', 'wakeUps')).toBe(5);
    },
    patienceMs,
  );
});
