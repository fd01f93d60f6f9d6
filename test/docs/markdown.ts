/** Reads and writes the Markdown files of this project. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { format, resolveConfig } from 'prettier';

/** The folder of the project. */
export const root = new URL('../../', import.meta.url);

export function textOf(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** Paths of all Markdown files in a folder and the folders in it. */
export function markdownIn(folder: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `${folder}${path}`)
    .sort();
}

/**
 * Expects these lines between the comments `<!-- name -->` and `<!-- /name -->` of a file. If
 * UPDATE_README=1, writes the lines there first.
 */
export async function expectSection(
  path: string,
  name: string,
  lines: readonly string[],
): Promise<void> {
  const file = new URL(path, root);
  const section = new RegExp(`(<!-- ${name} -->\n)[^]*(<!-- /${name} -->)`);
  const current = textOf(path);
  expect(current).toMatch(section);
  const generated = await format(
    current.replace(
      section,
      (_, start: string, end: string) => `${start}\n${lines.join('\n')}\n\n${end}`,
    ),
    { ...(await resolveConfig(file)), parser: 'markdown' },
  );
  if (process.env['UPDATE_README'] === '1') writeFileSync(file, generated);
  expect(textOf(path)).toBe(generated);
}

/** Removes fenced code, because a number sign or a bracket there is no heading or link. */
function withoutCode(text: string): string {
  return text.replace(/^( *)(`{3,})[^]*?^\1\2 *$/gm, '');
}

/** The anchors of the headings, in GitHub's form. */
export function anchorsIn(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutCode(text).matchAll(/^#{1,6} +(.+)$/gm)) {
    const shown = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
    const base = shown
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = base;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${base}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Targets of links and images that are files of this project. */
export function relativeLinksIn(text: string): string[] {
  const plain = withoutCode(text).replace(/`[^`\n]*`/g, '');
  const inline = [...plain.matchAll(/\]\(<?([^)<>\s]+)>?\)/g)];
  const referenced = [...plain.matchAll(/^ {0,3}\[[^\]]+\]: +(\S+)/gm)];
  return [...inline, ...referenced]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target));
}
