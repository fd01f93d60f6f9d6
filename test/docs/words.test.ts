/**
 * The project's prose is plain. It has no words and no sentence openings that force a second
 * reading. CONTRIBUTING.md explains the style.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

/** Archaic words, and words in place of a noun that the reader would have to look for. */
const unclearWords =
  /\b(?:whoever|whomever|somebody|nobody|everybody|anybody|whose|thereof|lest|hereby|henceforth|whence|thence|wherein|whereby|he|his|him|himself|so (?:many|long|much)|such an?|of which|learnt|amidst|whilst)\b/i;

/** A bold or italic lead-in, such as a question, is a title. */
const leadIn = /^[*_]+[^*_]+[*_]+:?\s*/;

/** Openings of sentences without a subject, or with a late subject. */
const unclearOpening = /(?:^|[.:;!?] +)(?:Of|What|Who|Nor|Neither|As to)\b/;

const maxWords = 30;

/** Returns the unclear sentences of the text, each after its fault. */
function unclear(text: string): string[] {
  const found: string[] = [];
  for (const sentence of text
    .replace(leadIn, '')
    .split(/(?<=[.!?:)])\s+(?=[A-Z`"'[(])|(?<=[.!?])\s+/)) {
    const isTitle = /^(?:#|\[)|\?$/.test(sentence);
    const opening = isTitle ? null : unclearOpening.exec(sentence);
    const word = unclearWords.exec(sentence)?.[0] ?? opening?.[0].trim();
    if (word !== undefined) found.push(`"${word}": ${sentence}`);
    const count = sentence.split(/\s+/).filter((part) => /\w/.test(part)).length;
    if (count > maxWords) found.push(`${count} words: ${sentence}`);
  }
  return found;
}

/**
 * Returns the prose of a source file: its comments, each as one text, without directives and
 * drawings.
 */
function comments(source: string): string[] {
  const blocks = Array.from(source.matchAll(/\/\*\*?([\s\S]*?)\*\/|((?:^[ \t]*\/\/.*\n)+)/gm));
  return blocks.flatMap(([, block, lines]) =>
    (block ?? lines ?? '')
      .split('\n')
      .map((line) => line.replace(/^\s*(?:\*|\/\/) ?/, ''))
      // A drawing, or code, is indented.
      .map((line) => (/^ {4}/.test(line) ? '' : line.trim()))
      .join('\n')
      .split(/\n\s*\n|\n(?=[-@|])/)
      .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
      .filter(
        (paragraph) => paragraph !== '' && !/^(?:eslint|shellcheck|Stryker|@ts-)/.test(paragraph),
      ),
  );
}

/** Returns the prose of a page: its paragraphs, list items and table cells, without code. */
/** The prose of a page: its paragraphs, list items and table cells, without code, titles of tests and addresses. */
function paragraphs(page: string): string[] {
  return page
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, 'x')
    .replace(/\[[^\]]*\]\([^)]*\.(?:test\.ts|yaml)\)/g, 'x')
    .replace(/^\[[^\]]+\]: \S+$/gm, '')
    .replace(/\]\([^)]*\)/g, ']')
    .split(/\n\s*\n|\n(?= *(?:[-*|#]|\d+\. ))| +\| /)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '' && !/^[-|: ]+$/.test(paragraph));
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

/** Checked folders and pages. `WORDS=src/core npm test -- test/docs/words` checks another one. */
const swept: readonly string[] = process.env['WORDS']?.split(',') ?? [
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'README.md',
  'SECURITY.md',
  'docs/README.md',
  'docs/advisories.md',
  'docs/architecture.md',
  'docs/bounds.md',
  'docs/commands.md',
  'docs/connection-auth.md',
  'docs/decisions',
  'docs/deployment.md',
  'docs/failures.md',
  'docs/glossary.md',
  'docs/guarantees.md',
  'docs/kubernetes.md',
  'docs/metrics.md',
  'docs/models',
  'docs/performance.md',
  'docs/reliability.md',
  'docs/runbook.md',
  'docs/savings.md',
  'docs/settings.md',
  'helm',
  'src/admin',
  'src/app',
  'src/cli',
  'src/core/admit',
  'src/core/answer',
  'src/core/links',
  'src/core/messages',
  'src/core/schedule',
  'src/core/servers',
  'src/core/shadow',
  'src/core/structures',
  'src/core/ucwa',
  'src/core/wire',
  'src/engine',
  'src/listen',
  'src/log',
  'src/metrics',
  'src/pass-through',
  'src/settings',
  'src/shadow',
  'src/simulator',
  'src/upstream',
  'test/admin',
  'test/bench',
  'test/cli',
  'test/cluster',
  'test/core/admit',
  'test/core/answer',
  'test/core/messages',
  'test/core/schedule',
  'test/core/shadow',
  'test/core/structures',
  'test/core/ucwa',
  'test/core/wire',
  'test/docs',
  'test/e2e',
  'test/engine',
  'test/failures',
  'test/fixtures',
  'test/helm',
  'test/listen',
  'test/log',
  'test/metrics',
  'test/models',
  'test/pass-through',
  'test/settings',
  'test/simulator',
  'test/support',
  'test/upstream',
];

describe.each(swept)('%s', (place) => {
  const isPage = place.endsWith('.md');
  const files = isPage ? [place] : [...filesBelow(place, '.ts'), ...filesBelow(place, '.md')];
  test.each(files)('%s has no sentence that must be read twice', (file) => {
    const text = readFileSync(file, 'utf8');
    const texts = file.endsWith('.md') ? paragraphs(text) : comments(text);
    expect(texts.flatMap(unclear)).toEqual([]);
  });
});

test.each([
  ['Whose companions are too unlikely does not wait.', 1],
  ['Of one that is gone the end has been told.', 1],
  ['The dispatcher sends the batch. Nobody waits.', 1],
  ['The dispatcher sends the batch. No caller waits.', 0],
  [Array.from({ length: 31 }, () => 'word').join(' '), 1],
])('control: %s', (text, count) => {
  expect(unclear(text)).toHaveLength(count);
});
