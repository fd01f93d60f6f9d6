/** docs/overview.svg: a single file that is readable on a light and on a dark page. */
import { describe, expect, test } from '@jest/globals';
import { textOf } from './markdown.ts';

const picture = textOf('docs/overview.svg');
const [, lightRules = '', darkRules = ''] =
  /<style>([^]*?)@media \(prefers-color-scheme:dark\)\{([^]*?)\n\}\n<\/style>/.exec(picture) ?? [];

/** The color of each selector, by property. */
function colors(rules: string, property: 'fill' | 'stroke'): Map<string, string> {
  const found = [...rules.matchAll(/^([^{\n]+)\{([^}]*)\}/gm)].map(
    ([, selector = '', body = '']) =>
      [selector, new RegExp(`(?:^|;)${property}:(#[0-9a-f]{6})`).exec(body)?.[1]] as const,
  );
  return new Map(found.flatMap(([name, color]) => (color === undefined ? [] : [[name, color]])));
}

/** The relative luminance of WCAG 2. */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

test('the picture loads nothing, runs nothing, and has a title and a description', () => {
  expect(picture).not.toMatch(/<script|<image|<foreignObject|href=|url\(|@import| on\w+=/i);
  expect(picture).toMatch(/<title id="title">[^<]{10,}<\/title>/);
  expect(picture).toMatch(/<desc id="text">[^<]{10,}<\/desc>/);
  expect(picture).toMatch(/role="img" aria-labelledby="title text"/);
  expect(textOf('README.md')).toMatch(/^!\[[^\]]{10,}\]\(docs\/overview\.svg\)$/m);
});

test('each element is closed', () => {
  const tags = [...picture.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)];
  const open: string[] = [];
  const crossed = tags.filter(([, slash, name = '', self]) => {
    if (slash === '/') return open.pop() !== name;
    if (self !== '/') open.push(name);
    return false;
  });
  expect(tags.length).toBeGreaterThan(20);
  expect([crossed, open]).toEqual([[], []]);
});

describe.each([
  ['light', lightRules],
  ['dark', darkRules],
])('in a %s page', (_scheme, rules) => {
  const fills = colors(rules, 'fill');
  const strokes = colors(rules, 'stroke');
  const grounds = ['.paper', '.box', '.proxy'].map((name) => fills.get(name) ?? '');

  test('the picture has its own colors for everything that it draws', () => {
    expect([...fills.keys()].sort()).toEqual(
      ['.batchtip', '.box', '.paper', '.proxy', '.small', '.tip', 'text'].sort(),
    );
    expect([...strokes.keys()].sort()).toEqual(['.batch', '.box', '.line', '.proxy']);
  });

  test.each(['text', '.small'])('%s has a contrast of at least 4.5 to each background', (name) => {
    for (const ground of grounds) {
      expect(contrast(fills.get(name) ?? '', ground)).toBeGreaterThanOrEqual(4.5);
    }
  });

  test.each(['.line', '.batch', '.box', '.proxy'])('%s has a contrast of at least 3', (name) => {
    expect(contrast(strokes.get(name) ?? '', grounds[0] ?? '')).toBeGreaterThanOrEqual(3);
  });
});
