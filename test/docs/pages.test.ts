/** Compares hand-written pages with the code and the scripts. */
import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { init } from '../../src/cli/init.ts';
import { serve } from '../../src/cli/serve.ts';
import { simulate } from '../../src/cli/simulate.ts';
import { unsafeNames } from '../../src/cli/unsafe-runtime.ts';
import { invariants } from '../../src/core/invariants.ts';
import { describeSettings } from '../../src/settings/describe-settings.ts';
import { root, textOf } from './markdown.ts';

/** The code spans in the first column of the page's tables. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name = '']) => name);
}

test('every row of "Where is …?" names files that exist', () => {
  const [, table = ''] = textOf('CONTRIBUTING.md').split('## Where is …?');
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && line.includes('`'));
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const files = [...row.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
    expect(files).toHaveLength(2);
    for (const path of files) expect([path, existsSync(new URL(path, root))]).toEqual([path, true]);
  }
});

test('the commands that install, start and test are those that .ci/run runs in a fresh clone', () => {
  const commands = [...textOf('README.md').matchAll(/^```sh\n(npm .*)\n```$/gm)].map(
    ([, command]) => command,
  );
  expect(commands).toEqual(['npm ci && npm start', 'npm ci && npm test']);
  const script = textOf('.ci/run');
  const titles = [...script.matchAll(/^(?:suite \d+|step) ["']README: (npm ci && npm \w+)/gm)].map(
    ([, command]) => command,
  );
  expect(titles.sort()).toEqual(commands);
  expect(script).toMatch(/^readme_test\(\) .* npm ci [^&]*&& npm test\); \}$/m);
  expect(script).toMatch(/^readme_start\(\) \{\n[^}]*npm ci [^&]*\|\| return\n[^}]*npm start/m);
});

test('the guarantees are the invariants of the code, in their order', () => {
  const rows = [...textOf('docs/guarantees.md').matchAll(/^\| (I\d) +\| `(\w+)` +\|/gm)];
  expect(rows.map(([, number, name]) => [number, name])).toEqual(
    invariants.map((name, index) => [`I${index + 1}`, name]),
  );
});

const testFiles = readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' });

/** Paths below test/, with or without their ending, that name no file and no folder. */
const missingTests = (paths: readonly string[]): readonly string[] =>
  paths.filter((path) => !testFiles.some((file) => file.startsWith(path)));

test.each([
  ['docs/bounds.md', /`((?:admin|core|e2e|engine|failures|fixtures|listen|pass-through)\/[^`]+)`/g],
  ['docs/reliability.md', / -- test\/([^` ]+)`/g],
])('%s names tests that exist', (page, pattern) => {
  const paths = [...textOf(page).matchAll(pattern)]
    .map(([, path = '']) => path)
    .filter((path) => path !== 'failures/NAME');
  expect(paths.length).toBeGreaterThan(20);
  expect(missingTests(paths)).toEqual([]);
});

test('a test that is missing is found', () => {
  expect(missingTests(['e2e/bounds', 'e2e/nothing'])).toEqual(['e2e/nothing']);
});

test('the page of commands has each command, its flags that are no settings, and each unsafe name', () => {
  const names = namesIn(textOf('docs/commands.md'));
  const commands = [...textOf('src/main.ts').matchAll(/^ {2}\['([\w-]+)', async/gm)].map(
    ([, name = '']) => name,
  );
  expect(commands.length).toBeGreaterThan(3);
  const settings = new Set(describeSettings().map(({ flag }) => flag));
  const flags = serve.flags.map(({ name }) => name).filter((name) => !settings.has(name));
  expect(names.map((name) => name.split(' ')[0])).toEqual([
    ...commands,
    ...init.flags.map(({ name }) => `--${name}`),
    ...flags.map((name) => `--${name}`),
    ...unsafeNames,
    ...simulate.flags.map(({ name }) => `--${name}`),
  ]);
});
