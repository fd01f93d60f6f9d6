/** The links of the documentation, and the length of README.md. */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { anchorsIn, markdownIn, relativeLinksIn, root, textOf } from './markdown.ts';

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...markdownIn('docs/'),
  ...markdownIn('helm/'),
];

/** Returns why a link is broken, or `undefined`. */
function brokenBecause(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const file = path === '' ? new URL(page, root) : new URL(path, new URL(page, root));
  if (!file.href.startsWith(root.href)) return 'leads out of the project';
  if (!existsSync(file)) return 'no such file';
  if (anchor === undefined) return undefined;
  if (!file.pathname.endsWith('.md')) return 'an anchor, but no Markdown';
  return anchorsIn(textOf(file.href)).has(decodeURIComponent(anchor))
    ? undefined
    : 'no such heading';
}

test('README.md, CONTRIBUTING.md, SECURITY.md, CHANGELOG.md and all of docs are checked', () => {
  expect(pages).toEqual(
    expect.arrayContaining([
      'README.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      'CHANGELOG.md',
      'docs/README.md',
      'docs/decisions/001-no-content-transfer-encoding.md',
      'helm/ucwa-batch-proxy/README.md',
    ]),
  );
});

test('README.md has at most 200 lines', () => {
  expect(textOf('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
});

test.each(pages)('each relative link of %s leads to a file, and to a heading in it', (page) => {
  const broken = relativeLinksIn(textOf(page))
    .map((link) => ({ link, because: brokenBecause(page, link) }))
    .filter(({ because }) => because !== undefined);
  expect(broken).toEqual([]);
});

test('the pages have links, and README.md has many', () => {
  expect(relativeLinksIn(textOf('README.md')).length).toBeGreaterThan(15);
});

test('the index of docs leads to each page in docs', () => {
  const links = relativeLinksIn(textOf('docs/README.md'));
  const listed = markdownIn('docs/')
    .map((path) => path.slice('docs/'.length))
    .filter((path) => !path.includes('/') && path !== 'README.md');
  expect(listed.filter((path) => !links.includes(path))).toEqual([]);
});

describe('control: the check finds a broken link to', () => {
  test.each([
    ['a file that is missing', 'docs/nothing.md', 'no such file'],
    ['a heading that is missing', 'docs/settings.md#nothing', 'no such heading'],
    ['a heading of its own page that is missing', '#nothing', 'no such heading'],
    ['a place outside', '../elsewhere.md', 'leads out of the project'],
  ])('%s', (_what, link, because) => {
    expect(brokenBecause('README.md', link)).toBe(because);
  });

  test('code does not count as a heading or a link', () => {
    const text =
      '# One `Two`\n\n```sh\n# three\n[a](b)\n```\n\n`[c](d)` [e](f.md#g)\n\n## One two\n';
    expect([...anchorsIn(text)]).toEqual(['one-two', 'one-two-1']);
    expect(relativeLinksIn(text)).toEqual(['f.md#g']);
  });
});
