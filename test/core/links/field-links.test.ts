import { expect, test } from '@jest/globals';
import { linkFieldLengths, rewriteFields } from '../../../src/core/links/field-links.ts';
import { challengeField, linkFields } from '../../../src/core/ucwa/links.ts';

const rewrite = (name: string, value: string): readonly string[] =>
  rewriteFields([name, value], (_, link) => ({ length: link.length, text: 'https://own.example' }));

test.each([...Object.keys(linkFields), challengeField])(
  'the field %s has a link, and passes the check of lengths',
  (name) => {
    const link = 'https://pool.example';
    const value = name === challengeField ? `MsRtcOAuth href="${link}"` : link;
    expect(rewrite(name, value)).toEqual([name, value.replace('pool', 'own')]);
    expect(linkFieldLengths.has(name.length)).toBe(true);
  },
);

test.each(['Date', 'ETag', 'Content-Type', 'Content-Length', 'X-Ms-Correlation-Id'])(
  'the field %s has no link, and does not pass the check',
  (name) => {
    expect(rewrite(name, 'https://pool.example')).toEqual([name, 'https://pool.example']);
    expect(linkFieldLengths.has(name.length)).toBe(false);
  },
);
