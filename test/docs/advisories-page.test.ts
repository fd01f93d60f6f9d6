/** docs/advisories.md: each advisory has a test, and the test exists. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const page = new URL('../../docs/advisories.md', import.meta.url);
const text = readFileSync(page, 'utf8');

interface Row {
  readonly identifier: string;
  readonly went: string;
  readonly here: string;
  readonly tests: ReadonlyArray<{ readonly title: string; readonly file: URL }>;
}

const rows: readonly Row[] = text
  .split('\n')
  .filter((line) => line.startsWith('| ['))
  .map((line) => {
    const [, identifier = '', went = '', here = '', tests = ''] = line.split(/ *\| */);
    return {
      identifier: identifier.slice(1, -1),
      went,
      here,
      tests: Array.from(
        tests.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g),
        ([, title = '', path = '']) => ({
          title,
          file: new URL(path, page),
        }),
      ),
    };
  });

/** Whether a test or a fixture case has exactly this title. */
function hasTitle(source: string, title: string): boolean {
  const quoted = ["'", '"', '`'].some((mark) => source.includes(mark + title + mark));
  return quoted || source.split('\n').includes(`- name: ${title}`);
}

test('there are at least 25 advisories, each once and with its source', () => {
  const identifiers = rows.map(({ identifier }) => identifier);
  expect(identifiers.length).toBeGreaterThanOrEqual(25);
  expect(new Set(identifiers).size).toBe(identifiers.length);
  const sources = Array.from(text.matchAll(/^\[([^\]]+)\]: https:/gm), ([, name]) => name);
  expect(sources.sort()).toEqual(identifiers.sort());
});

test.each(rows)('$identifier: the page says if it can happen here, and why', ({ went, here }) => {
  expect(went).not.toBe('');
  expect(here).toMatch(/^(?:No|Yes)[:,] \w/);
});

test.each(rows)('$identifier: its tests exist under these titles', ({ tests }) => {
  expect(tests.length).toBeGreaterThanOrEqual(1);
  for (const { title, file } of tests) {
    expect(file.pathname).toMatch(/\/test\/(?:.*\.test\.ts|fixtures\/admission\/\w+\.yaml)$/);
    expect(existsSync(file)).toBe(true);
    expect({ title, stands: hasTitle(readFileSync(file, 'utf8'), title) }).toEqual({
      title,
      stands: true,
    });
  }
});
