import { afterEach, expect, test } from '@jest/globals';
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FileWatch } from '../../src/settings/file-watch.ts';

const lookEveryMs = 5;
const ends: Array<() => void> = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'file-watch-'));
  ends.push(() => rmSync(path, { recursive: true }));
  return path;
}

/** `next` resolves at the next change, to the number of changes so far. */
function watch(path: string): {
  readonly seen: () => number;
  readonly next: () => Promise<number>;
} {
  let seen = 0;
  let wake: (seen: number) => void = () => undefined;
  const watched = new FileWatch(path);
  watched.start(() => {
    seen += 1;
    wake(seen);
  }, lookEveryMs);
  ends.push(() => watched.stop());
  return { seen: () => seen, next: () => new Promise((resolve) => (wake = resolve)) };
}

test('a write is seen, also if the file keeps its size and its time', async () => {
  const file = join(folder(), 'proxy.yaml');
  writeFileSync(file, 'one');
  utimesSync(file, 1, 1);
  const { next } = watch(file);
  writeFileSync(file, 'two');
  utimesSync(file, 1, 1);
  expect(await next()).toBe(1);
});

test('a file that an editor renames into place is seen each time', async () => {
  const path = folder();
  const file = join(path, 'proxy.yaml');
  writeFileSync(file, 'one');
  const { next } = watch(file);
  for (const time of [1, 2]) {
    writeFileSync(join(path, 'new'), `${time}`);
    renameSync(join(path, 'new'), file);
    expect(await next()).toBe(time);
  }
});

test('the swapped link of a ConfigMap is seen', async () => {
  const path = folder();
  const publish = (name: string, text: string): void => {
    mkdirSync(join(path, name));
    writeFileSync(join(path, name, 'config.yaml'), text);
    utimesSync(join(path, name, 'config.yaml'), 1, 1);
    symlinkSync(name, join(path, '..data_tmp'));
    renameSync(join(path, '..data_tmp'), join(path, '..data'));
  };
  publish('..1', 'one');
  symlinkSync('..data/config.yaml', join(path, 'config.yaml'));
  const { next } = watch(join(path, 'config.yaml'));
  publish('..2', 'two');
  expect(await next()).toBe(1);
});

test('a file that is removed, and its return, are seen', async () => {
  const file = join(folder(), 'proxy.yaml');
  writeFileSync(file, 'one');
  const { next } = watch(file);
  rmSync(file);
  expect(await next()).toBe(1);
  writeFileSync(file, 'one');
  expect(await next()).toBe(2);
});

test('a change between the first look and the start is seen', async () => {
  const file = join(folder(), 'proxy.yaml');
  writeFileSync(file, 'one');
  const watched = new FileWatch(file);
  writeFileSync(file, 'other');
  const changed = new Promise<boolean>((resolve) => {
    watched.start(() => resolve(true), lookEveryMs);
    ends.push(() => watched.stop());
  });
  expect(await changed).toBe(true);
});

test('an unchanged file, and a file after the end of the watch, cause nothing', async () => {
  const file = join(folder(), 'proxy.yaml');
  writeFileSync(file, 'one');
  const { seen } = watch(file);
  await delay(20 * lookEveryMs);
  for (const end of ends.splice(1)) end();
  writeFileSync(file, 'other');
  await delay(20 * lookEveryMs);
  expect(seen()).toBe(0);
});
