/**
 * The page of the architecture, compared with what the program does. The program is compiled once more for it,
 * which takes some seconds.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../support/crowd.ts';
import { startPool } from '../support/pool.ts';
import { RawClient } from '../support/raw-client.ts';
import { type Walk, WalkingProgram, WalkingProxy } from '../support/walk.ts';
import { importsOfSources } from './imports.ts';
import { expectSection, textOf } from './markdown.ts';

const page = 'docs/architecture.md';
const recordings = 20;
/** On a loaded machine a timer fires in almost every recording. */
const mostRecordings = 200;

/** The timers for a late answer of a GET and for the health of the pool may fire during a shutdown or before it. */
const shutdownTimers: ReadonlySet<string> = new Set([
  'src/core/health/pool-health.ts',
  'src/core/schedule/slow/hedging.ts',
  'src/core/structures/timer-heap.ts',
  'src/engine/clock.ts',
]);

/** A timer calls it. The timer may fire before the backoff, or with it. */
const backoffTimer = 'src/core/schedule/dispatch/capacity-checks.ts';

let program: WalkingProgram;

beforeAll(() => {
  program = new WalkingProgram();
});
afterAll(() => program.remove());

const token = 'cwt=sim-walker';
const get = call(token, 'me');
const write = call(token, 'me/note', '{"message":"here"}');
const poll = call(token, 'events?ack=99');
const four = ['me', 'people', 'communication', 'onlineMeetings'].map((path) => call(token, path));

async function open(env: Readonly<Record<string, string>> = {}) {
  const pool = await startPool();
  const proxy = await WalkingProxy.start(program, pool.url, env);
  const client = new RawClient(proxy.port);
  const ask = async (...calls: readonly string[]): Promise<void> => {
    client.send(calls.join(''));
    for (const sent of calls) {
      const { status } = await client.readAnswer();
      expect([sent, status < 400]).toEqual([sent, true]);
    }
  };
  return { pool, proxy, ask };
}

/**
 * Several recordings of the same act, after a first one that is not kept. `files` are those that most recordings enter,
 * and `changes` is the lowest number of changes of file: a timer of the proxy may fire during a recording.
 */
async function recordOften(
  proxy: WalkingProxy,
  act: () => Promise<void>,
  mostChanges = Infinity,
): Promise<{ files: string[]; changes: number }> {
  await act();
  const walks: Walk[] = [];
  const isDisturbed = (): boolean => walks.every(({ changes }) => changes > mostChanges);
  while (walks.length < recordings || (isDisturbed() && walks.length < mostRecordings)) {
    walks.push(await proxy.record(act));
  }
  const times = new Map<string, number>();
  for (const { files } of walks)
    for (const file of files) times.set(file, (times.get(file) ?? 0) + 1);
  return {
    files: [...times.keys()].filter((file) => (times.get(file) ?? 0) > walks.length / 2),
    changes: Math.min(...walks.map(({ changes }) => changes)),
  };
}

/** The files by room, in the order in which the walk enters them first. */
function rooms(entered: readonly string[]): string[] {
  const groups: Array<{ room: string; files: string[] }> = [];
  for (const file of entered) {
    const room = file.slice(0, file.lastIndexOf('/') + 1);
    const name = file.slice(room.length);
    const last = groups.at(-1);
    if (last?.room === room) last.files.push(name);
    else groups.push({ room, files: [name] });
  }
  return groups.map(
    ({ room, files }) => `1. \`${room}\`: ${files.map((name) => `\`${name}\``).join(', ')}`,
  );
}

/** The files that a list of the page names, sorted. */
function listed(name: string): string[] {
  const [, section = ''] = textOf(page).split(`<!-- ${name} -->`);
  const [list = ''] = section.split(`<!-- /${name} -->`);
  return [...list.matchAll(/^1\. `([^`]+)`: (.+)$/gm)]
    .flatMap(([, room = '', files = '']) =>
      files.split(', ').map((file) => room + file.slice(1, -1)),
    )
    .sort();
}

/**
 * Expects the page to list these files. The order in the page is that of one recording: timers may fire in another
 * order in the next one.
 */
async function expectPath(name: string, files: readonly string[]): Promise<void> {
  if (process.env['UPDATE_README'] === '1') await expectSection(page, name, rooms(files));
  expect(listed(name)).toEqual([...files].sort());
}

/** The room of a file: a folder of `src`, or of `src/core`. */
function roomOf(file: string): string {
  const [, room = '', inner, ...rest] = file.split('/');
  return room === 'core' && rest.length > 0 ? `core/${inner ?? ''}` : room;
}

/** Returns a picture in Mermaid: an arrow leads from each room to the rooms from which it imports values. Imports of the rooms of the core are one arrow. */
function picture(): string[] {
  const arrows = new Set<string>();
  const rooms = new Set<string>();
  for (const { from, to, isType } of importsOfSources()) {
    const [user, used] = [roomOf(from), roomOf(to)];
    for (const room of [user, used]) rooms.add(room);
    if (isType || user === used) continue;
    const isInside = user.startsWith('core') && used.startsWith('core');
    if (isInside && (user === 'core' || used === 'core')) continue;
    arrows.add(`${user} --> ${isInside ? used : (used.split('/')[0] ?? '')}`);
  }
  const inner = [...rooms].filter((room) => room.startsWith('core/')).sort();
  const id = (room: string): string => room.replace('core/', 'core_').replace('main.ts', 'main');
  return [
    '```mermaid',
    'flowchart TD',
    'subgraph core',
    ...inner.map((room) => `${id(room)}[${room.slice('core/'.length)}]`),
    'end',
    ...[...arrows].map((arrow) => arrow.split(' --> ').map(id).join(' --> ')).sort(),
    '```',
  ];
}

test('the picture shows which rooms import from which', async () => {
  await expectSection(page, 'rooms', picture());
});

describe('the page lists the files that are entered', () => {
  test('by a lone GET, which enters at most 58 files and changes file at most 180 times', async () => {
    const { proxy, ask } = await open();
    const walk = await recordOften(proxy, () => ask(get), 180);
    await expectPath('a lone GET', walk.files);
    expect(walk.files.length).toBeLessThanOrEqual(58);
    expect(walk.changes).toBeLessThanOrEqual(180);
  });

  test('by a write', async () => {
    const { proxy, ask } = await open();
    await expectPath('a write', (await recordOften(proxy, () => ask(write))).files);
  });

  test('by a poll', async () => {
    const { proxy, ask } = await open();
    await expectPath('a poll', (await recordOften(proxy, () => ask(poll))).files);
  });

  test('by a 429 to a batch of four GETs, which changes file at most 1,220 times', async () => {
    const { pool, proxy, ask } = await open();
    const walk = await recordOften(
      proxy,
      () => {
        pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'status', status: 429 } });
        return ask(...four);
      },
      1220,
    );
    await expectPath(
      'a 429',
      walk.files.filter((file) => file !== backoffTimer),
    );
    expect(walk.changes).toBeLessThanOrEqual(1220);
  });

  test('by a shutdown', async () => {
    const { proxy, ask } = await open({ UCWA_PROXY_DRAIN_DELAY_MS: '0' });
    await ask(get);
    const { files } = await proxy.recordExit('SIGTERM');
    await expectPath(
      'a shutdown',
      files.filter((file) => !shutdownTimers.has(file)),
    );
  });
});
