import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { offsetIn } from '../../../src/core/links/encoded-text.ts';
import { jsonValues } from '../../../src/core/links/json-values.ts';

const names = new Set(['href']);
const textsIn = (document: string): string[] | undefined =>
  jsonValues(document, names)?.map(({ text }) => text);

describe('the values with a name', () => {
  test.each([
    ['of a member', '{"href":"a"}', ['a']],
    [
      'at any depth',
      '{"_links":{"self":{"href":"a"}},"list":[{"href":"b"},["href","c"]]}',
      ['a', 'b'],
    ],
    ['with blanks around the colon', '{ "href" \t:\r\n "a" }', ['a']],
    ['with an escaped name', '{"h\\u0072ef":"a"}', ['a']],
    ['each of two equal names', '{"href":"a","href":"b"}', ['a', 'b']],
    ['with escapes', '{"href":"https:\\/\\/p\\u002fa\\"\\\\b"}', ['https://p/a"\\b']],
    ['not the name as a value', '{"a":"href","b":"c"}', []],
    ['not a longer name', '{"xhref":"a","hrefs":"b","HREF":"c"}', []],
    ['not text that looks like a member', '{"a":"\\"href\\":\\"b\\""}', []],
    [
      'not a number, a list or nothing',
      '{"href":1,"a":"b","x":{"href":["c"]},"y":{"href":null}}',
      [],
    ],
    ['in an empty document', '{}', []],
  ])('are found: %s', (_, document, found) => {
    expect(textsIn(document)).toEqual(found);
  });

  test('have the positions of their characters', () => {
    const document = '{"href":"https:\\/\\/p\\u002fa"}';
    const [value] = jsonValues(document, names) ?? [];
    expect(value).toBeDefined();
    const from = offsetIn(value!, 'https:'.length);
    const to = offsetIn(value!, 'https://p/'.length);
    expect(document.slice(from, to)).toBe('\\/\\/p\\u002f');
    expect(document.slice(offsetIn(value!, value!.text.length))).toBe('"}');
  });

  test('are those that a parser finds, in any document', () => {
    const member = fc.dictionary(fc.constantFrom('href', 'a', 'h"ref', ''), fc.string(), {
      maxKeys: 3,
    });
    fc.assert(
      fc.property(fc.array(member), fc.nat(3), (objects, indent) => {
        const document = JSON.stringify(objects, undefined, indent);
        const expected = objects.flatMap(({ href }) => (href === undefined ? [] : [href]));
        expect(textsIn(document)).toEqual(expected);
        for (const value of jsonValues(document, names) ?? []) {
          const raw = document.slice(offsetIn(value, 0), offsetIn(value, value.text.length));
          expect(JSON.parse(`"${raw}"`)).toBe(value.text);
        }
      }),
    );
  });
});

test.each([
  '',
  '{',
  '{"href":"a"',
  '{"href":"a",}',
  "{'href':'a'}",
  '{"href":"a"} x',
  '{"href":"a\n"}',
  '['.repeat(200_000),
])('a document that is not legal has no values: %#', (document) => {
  expect(jsonValues(document, names)).toBeUndefined();
});
