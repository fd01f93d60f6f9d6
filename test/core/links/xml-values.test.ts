import { describe, expect, test } from '@jest/globals';
import { offsetIn } from '../../../src/core/links/encoded-text.ts';
import { xmlValues } from '../../../src/core/links/xml-values.ts';

const names = { attributes: new Set(['href']), elements: new Set(['Address']) };
const textsIn = (document: string): string[] | undefined =>
  xmlValues(document, names)?.map(({ text }) => text);

describe('the values with a name', () => {
  test.each([
    ['of an attribute', '<a href="b"/>', ['b']],
    ['in single quotes, with blanks', `<a\n x = "1"\thref = 'b' >t</a >`, ['b']],
    ['at any depth', '<?xml version="1.0"?>\n<a><b href="c"><d href="e"/></b></a>\n', ['c', 'e']],
    [
      'with references',
      '<a href="?a=1&amp;b=2&#x2f;&#47;&lt;&quot;&#x1F600;"/>',
      ['?a=1&b=2//<"😀'],
    ],
    ['of an element', '<a><w:Address>b</w:Address><Address>c</Address></a>', ['b', 'c']],
    ['not of an element with children', '<a><Address><b/>c</Address></a>', []],
    ['not in a comment', '<a><!-- <b href="c"/> - --><d/></a>', []],
    ['not in character data', '<a><![CDATA[<b href="c"/> ] ]]]></a>', []],
    ['not in an instruction', '<?a <b href="c"/> ??><a/>', []],
    ['not in a text', '<a>href="b"</a>', []],
    ['not with another name', '<a x:href="b" hrefs="c" HREF="d"/>', []],
  ])('are found: %s', (_, document, found) => {
    expect(textsIn(document)).toEqual(found);
  });

  test('have the positions of their characters', () => {
    const document = `<a href='https:&#47;&#x2F;p/'/>`;
    const [value] = xmlValues(document, names) ?? [];
    expect(document.slice(offsetIn(value!, 0), offsetIn(value!, 9))).toBe('https:&#47;&#x2F;p');
  });
});

test.each([
  ['nothing', ''],
  ['a text', 'a'],
  ['an end that is missing', '<a><b></b>'],
  ['a wrong end', '<a><b></a></b>'],
  ['two roots', '<a/><b/>'],
  ['a text behind the root', '<a/>b'],
  ['an attribute without quotes', '<a href=b/>'],
  ['an attribute without a value', '<a href/>'],
  ['an attribute without a blank', '<a b="c"href="d"/>'],
  ['a tag in a value', '<a href="<b>"/>'],
  ['an unknown entity', '<a href="&evil;"/>'],
  ['an ampersand', '<a>b & c</a>'],
  ['a type declaration', '<!DOCTYPE a [<!ENTITY e "f">]><a href="&e;"/>'],
  ['a comment without an end', '<a/><!-- b'],
  ['character data outside the root', '<![CDATA[a]]><a/>'],
  ['a tag that breaks off', '<a href="b"'],
])('a document that is not well-formed has no values: %s', (_, document) => {
  expect(xmlValues(document, names)).toBeUndefined();
});

test('long documents are read in linear time', () => {
  const long = 'x'.repeat(250_000);
  expect(
    textsIn(`<a><!--${long}--><b href="${long}">${long}</b><![CDATA[${long}]]></a>`),
  ).toHaveLength(1);
  expect(textsIn(`<a>${'<b>'.repeat(50_000)}`)).toBeUndefined();
  expect(textsIn(`<a href="${'&'.repeat(250_000)}"/>`)).toBeUndefined();
  expect(textsIn(`<a ${' '.repeat(250_000)}`)).toBeUndefined();
});
