import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from '@jest/globals';

const root = new URL('../../', import.meta.url);

/** A relative import or re-export. `import-x/no-cycle` ignores those of types. */
const importing = /(?:\bfrom|\bimport\() ?'(\.{1,2}\/[^']+)'/g;

/** The imports of each file of `src`. */
const imports = new Map(
  readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const file = `src/${name}`;
      const text = readFileSync(new URL(file, root), 'utf8');
      const imported = [...text.matchAll(importing)].map(([, path = '']) =>
        posix.join(posix.dirname(file), path),
      );
      return [file, imported.filter((path) => path.endsWith('.ts'))];
    }),
);

/**
 * The folders of the scheduler from the lowest to the highest. A folder imports only lower ones. `.`: the files
 * of types beside the folders.
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
