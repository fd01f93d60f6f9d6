import { expect, test } from '@jest/globals';
import { importsOfSources, sources } from './imports.ts';

/** The imports of each file of `src`. */
const imports = new Map(sources().map((file) => [file, [] as string[]]));
for (const { from, to } of importsOfSources()) imports.get(from)?.push(to);

/**
 * The folders of the scheduler from the lowest to the highest. A folder imports only itself and lower ones. `.`
 * stands for the files directly in `schedule/` that hold types.
 */
const folders = [
  'estimators',
  '.',
  'order',
  'queue',
  'hold',
  'slow',
  'dispatch',
  'answers',
  'ending',
  'coalescer.ts',
];

const scheduler = 'src/core/schedule/';

function folderOf(file: string): string {
  const [first = '', second] = file.slice(scheduler.length).split('/');
  return second !== undefined || first === 'coalescer.ts' ? first : '.';
}

/** The first cycle of imports. Each file of the cycle imports the next one. */
function cycle(): readonly string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const next of imports.get(file) ?? []) {
      const found = visit(next);
      if (found !== undefined) return found;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const found = visit(file);
    if (found !== undefined) return found;
  }
  return undefined;
}

test('every import leads to a file', () => {
  expect(imports.size).toBeGreaterThan(200);
  const missing = [...imports].flatMap(([file, paths]) =>
    paths.filter((path) => !imports.has(path)).map((path) => `${file} -> ${path}`),
  );
  expect(missing).toEqual([]);
});

test('no imports form a cycle, type imports included', () => {
  expect(cycle()).toBeUndefined();
});

test('no folder of the scheduler imports a higher one', () => {
  const files = [...imports].filter(([file]) => file.startsWith(scheduler));
  expect(new Set(files.map(([file]) => folderOf(file)))).toEqual(new Set(folders));
  const upward = files.flatMap(([file, paths]) =>
    paths
      .filter((path) => path.startsWith(scheduler))
      .filter((path) => folders.indexOf(folderOf(path)) > folders.indexOf(folderOf(file)))
      .map((path) => `${file} -> ${path}`),
  );
  expect(upward).toEqual([]);
});
