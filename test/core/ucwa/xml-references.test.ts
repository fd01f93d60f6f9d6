import { expect, test } from '@jest/globals';
import { xmlValues } from '../../../src/core/links/xml-values.ts';
import { operationIdsInXml } from '../../../src/core/ucwa/operation-ids.ts';
import { referencedCharacter } from '../../../src/core/ucwa/xml-references.ts';

test.each([
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&apos;', "'"],
  ['&#65;', 'A'],
  ['&#x1F600;', '\u{1F600}'],
  ['&#1114112;', ''],
  ['&#x110000;', ''],
  ['&nbsp;', undefined],
  ['&AMP;', undefined],
  ['&#X41;', undefined],
  ['&#;', undefined],
  ['&#12345678;', undefined],
  ['&amp', undefined],
  ['a&amp;', undefined],
  ['&constructor;', undefined],
])('the reference %s is %j', (reference, character) => {
  expect(referencedCharacter(reference)).toBe(character);
});

test('links and ids of operations read references in the same way', () => {
  const names = { attributes: new Set<string>(), elements: new Set(['operationId']) };
  for (const written of ['a&amp;b', '&#x41;&#66;', '&quot;', '\u{1F600}&lt;']) {
    const xml = `<operationId>${written}</operationId>`;
    expect(operationIdsInXml(xml)).toEqual(xmlValues(xml, names)?.map(({ text }) => text));
  }
});

test('an id keeps a reference that stands for no character', () => {
  const xml = '<operationId>a&b;&#1114112;&amp &amp;</operationId>';
  expect(operationIdsInXml(xml)).toEqual(['a&b;&#1114112;&amp &']);
});
