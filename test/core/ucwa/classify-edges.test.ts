/** The edge cases of each rule of `classify`. */
import { describe, expect, test } from '@jest/globals';
import { applicationOf, classify, pathPatterns } from '../../../src/core/ucwa/classify.ts';
import { aHead, bearer } from '../../support/heads.ts';

const app = '/ucwa/oauth/v1/applications/1045';
const json = ['Authorization', bearer, 'Content-Length', '2', 'Content-Type'];

function classified(
  target: string,
  fields?: readonly string[],
  httpVersion = '1.1',
  method = 'GET',
) {
  const { head, facts } = aHead(method, target, fields);
  const rules = { maxCallBytes: 1000, never: undefined };
  const result = classify({ ...head, httpVersion }, target, facts, rules);
  return result.kind === 'batchable' ? result.resource : result.reason;
}

test('a resource is its path in lower case, without the query', () => {
  expect(classified(`${app}/People/Dana?Query=X`)).toBe(`${app}/people/dana`);
});

test('HTTP/1.0 passes through', () => {
  expect(classified(`${app}/me`, undefined, '1.0')).toBe('http_version');
});

test('a call with an empty web ticket passes through, with or without an Authorization', () => {
  expect(classified(`${app}/me`, ['X-MS-WebTicket', ''])).toBe('credentials');
  expect(classified(`${app}/me`, ['Authorization', bearer, 'X-MS-WebTicket', ''])).toBe(
    'credentials',
  );
  expect(classified(`${app}/me`, ['X-MS-WebTicket', 'a'])).toBe(`${app}/me`);
});

describe('a method override in the query', () => {
  test.each(['_method=PUT', 'a=b&_method=PUT', '_METHOD=put'])('%s passes through', (query) => {
    expect(classified(`${app}/me?${query}`)).toBe('headers');
  });

  test.each(['x_method=PUT', 'a=b&x_method=PUT', 'method=PUT'])('%s is no override', (query) => {
    expect(classified(`${app}/me?${query}`)).toBe(`${app}/me`);
  });

  test('does not count in the path', () => {
    expect(classified(`${app}/me&_method=PUT`)).toBe(`${app}/me&_method=put`);
  });
});

test('all triplets of printable characters are plain, except dangerous ones, in either case', () => {
  const plain: string[] = [];
  for (let code = 0; code < 256; code += 1) {
    const hex = code.toString(16).padStart(2, '0');
    for (const triplet of new Set([`%${hex}`, `%${hex.toUpperCase()}`])) {
      if (classified(`${app}/a${triplet}b`) !== 'target') plain.push(triplet.toLowerCase());
    }
  }
  const printable = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i));
  const expected = printable
    .filter((character) => !'#%./;?\\'.includes(character))
    .map((character) => `%${character.charCodeAt(0).toString(16)}`);
  expect([...new Set(plain)].sort()).toEqual(expected.sort());
});

test.each(['%', '%4', '%4g', '%g4'])('%s in a query or a path is not plain', (triplet) => {
  expect(classified(`${app}/me?a=${triplet}`)).toBe('target');
  expect(classified(`${app}/me${triplet}`)).toBe('target');
});

test.each([
  ['multipart/form-data; boundary=a', 'body'],
  [' \tmultipart/mixed', 'body'],
  ['application/http;version=1.1', 'body'],
  ['application/https', `${app}/me/note`],
  ['text/plain; a=multipart/mixed', `${app}/me/note`],
  ['x-multipart/mixed', `${app}/me/note`],
])('a body of type %j: %s', (type, expected) => {
  expect(classified(`${app}/me/note`, [...json, type], '1.1', 'POST')).toBe(expected);
});

test.each([
  [`${app}/-batch`, `${app}/-batch`],
  [`${app}/batches`, `${app}/batches`],
  [`${app}/my-batch`, `${app}/my-batch`],
  [`${app}/people/photo/note`, `${app}/people/photo/note`],
  [`${app}/people/photos1`, `${app}/people/photos1`],
  [`${app}/people/-photo`, `${app}/people/-photo`],
])('%s is an ordinary resource', (target, resource) => {
  expect(classified(target)).toBe(resource);
});

describe('pathPatterns', () => {
  test('returns undefined for an empty list', () => {
    expect(pathPatterns([])).toBeUndefined();
  });

  test.each([
    ['//a/b', '/a/b', '//a/b'],
    ['a.b', '/a.b', '/axb'],
    ['a+(b)', '/a+(b)', '/aab'],
    ['*/c', '/x/c', '/x/y/c'],
    ['**/c', '/x/y/c', '/x/c/d'],
  ])('%s matches %s but not %s', (pattern, inside, outside) => {
    const never = pathPatterns([pattern]);
    expect(never?.test(inside)).toBe(true);
    expect(never?.test(outside)).toBe(false);
  });
});

test.each([
  ['/ucwa/oauth/v1/applications/A1/events?ack=1', '/ucwa/oauth/v1/applications/a1'],
  ['//ucwa/v1/applications/1/me', '/ucwa/v1/applications/1'],
  ['/Autodiscover', undefined],
])('the application of %s is %s', (target, application) => {
  expect(applicationOf(target)).toBe(application);
});
