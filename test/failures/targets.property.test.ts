/**
 * Every decoder that may stand behind the proxy reads a batched target in the same way as the
 * proxy.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { admit } from '../../src/core/admit/admit.ts';
import { batchKey } from '../../src/core/ucwa/batch-key.ts';
import { classify } from '../../src/core/ucwa/classify.ts';
import { readHead } from '../../src/core/admit/request-head.ts';
import { assertInside } from '../../src/core/invariants.ts';
import { fuzzRuns } from '../support/fuzz-budget.ts';
import { aHead } from '../support/heads.ts';
import { decoders, type Reading } from '../support/target-decoders.ts';

const trials = 200_000;
const rules = { maxCallBytes: 65_536, never: undefined };

/** Returns the target that a batch would carry and the application of its key, or undefined. */
function letIn(asked: string): { target: string; applicationPath: string } | undefined {
  const { head, facts } = aHead('GET', asked);
  const target = admit(head, facts);
  if (typeof target !== 'string') return undefined;
  const result = classify(head, target, facts, rules);
  const likely = classify(head, target, facts, rules, application);
  if (JSON.stringify(likely) !== JSON.stringify(result))
    throw new Error(`two results for ${target}`);
  return result.kind === 'batchable'
    ? { target, applicationPath: result.applicationPath }
    : undefined;
}

/** Returns where a reading of a batched target leads outside its application, or undefined. */
function escape(reading: Reading, applicationPath: string): string | undefined {
  if (reading.host !== undefined && reading.host !== 'pool.example') return 'another host';
  const inside = applicationPath.toLowerCase().split('/').slice(1);
  const segments = reading.segments.map((segment) => segment.toLowerCase());
  if (inside.some((segment, i) => segments[i] !== segment)) return 'another application';
  const [first, ...rest] = segments.slice(inside.length);
  if (first === undefined || first === '') return 'the application itself';
  const word = (segment: string): string => /^[^.;: \t+~$]*/.exec(segment)?.[0] ?? '';
  if (['batch', 'events', 'photos'].includes(word(first))) return 'a resource that is not batched';
  const leaf = word(rest.at(-1) ?? first);
  if (['photo', 'contactphoto'].includes(leaf)) return 'a photo';
  return undefined;
}

const application = '/ucwa/oauth/v1/applications/1045';

/** Spells each letter of a dangerous word plain, in capitals, or encoded up to three times. */
const spelled = (word: string): fc.Arbitrary<string> =>
  fc
    .array(fc.nat(11), { minLength: word.length, maxLength: word.length })
    .map((ways) => ways.map((way, i) => spell(word[i] ?? '', way)).join(''));

function spell(letter: string, way: number): string {
  const hex = letter.charCodeAt(0).toString(16).padStart(2, '0');
  switch (way) {
    case 0:
      return `%${hex}`;
    case 1:
      return `%${hex.toUpperCase()}`;
    case 2:
      return `%25${hex}`;
    case 3:
      return letter.toUpperCase();
    case 4:
      return `%u00${hex}`;
    case 5:
      return `%u${(letter.charCodeAt(0) + 0xfee0).toString(16)}`;
    default:
      return letter;
  }
}

const dangerousWord = fc
  .constantFrom('batch', 'events', 'photos', 'photo', 'contactPhoto', '..', '.', '1046')
  .chain(spelled);
const separator = fc.oneof(
  { weight: 12, arbitrary: fc.constant('/') },
  fc.constantFrom(
    ...['//', '\\', '/./', '/../', '%2f', '%2F', '%5c', '%252f', '%c0%af', '%u002f', '%uff0f'],
    ...['/;/', '/.;/', '/..;/', '/%2e/', '/%2e%2e/', '/.%2e/', '/%252e%252e/', '%00/', '/ '],
  ),
);
const plainWord = fc.constantFrom(
  ...['me', 'people', 'dana@domain.com', 'note', 'sip:dana', 'abc-1', 'x', '~', '(1)', 'a=b,c'],
  ...['%20', '%41', 'a%2B', '%7e', '...', 'a.b', '*', "'"],
);
const tail = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  fc.constantFrom(
    ...['?', '?x=1', '?/../..', '?%00', '#', '#batch', '%3f', '%23', ';', ';x=1', '.', '%2e', ' '],
    ...['%20', '%00', '%0d%0a', '::$DATA', '+', '/', '/.', '/..', '%', '%2', '%zz', '\t', '\0'],
  ),
);
const anything = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 4 })
  .map((codes) => String.fromCharCode(...codes));
const piece = fc.oneof(
  { weight: 5, arbitrary: plainWord },
  { weight: 4, arbitrary: dangerousWord },
  { weight: 1, arbitrary: anything },
);
const start = fc.oneof(
  { weight: 12, arbitrary: fc.constant(application) },
  fc.constantFrom(
    ...[application.toUpperCase(), '/ucwa/v1/applications/a-_Z', `/${application}`],
    ...[`http://pool.example${application}`, `http://POOL.EXAMPLE${application}`],
    ...[`http://evil.example${application}`, `//evil.example${application}`, '/\\evil'],
    ...[
      '/x/..' + application,
      application.replace('oauth', 'oauth/.'),
      '/ucwa/v1/applications/%31',
    ],
    ...['/ucwa/v1/applications/..', '/ucwa//v1/applications/1', '/ucwa/v1/applications/1.5'],
  ),
);
const targets = fc
  .tuple(start, fc.array(fc.tuple(separator, piece), { minLength: 1, maxLength: 4 }), tail)
  .map(([from, steps, end]) => from + steps.flat().join('') + end);

test(`of ${trials} targets, those that may be batched stay in their application and out of the three resources`, () => {
  let drawn = 0;
  let accepted = 0;
  fc.assert(
    fc.property(targets, (asked) => {
      drawn += 1;
      const found = letIn(asked);
      if (found === undefined) return;
      accepted += 1;
      // The guard before sending stops no target that may be batched.
      assertInside({
        key: batchKey(found.applicationPath, readHead([]), 'pool', []),
        target: found.target,
      });
      const escapes = Object.entries(decoders).flatMap(([name, decode]) => {
        const what = escape(decode(found.target), found.applicationPath);
        return what === undefined ? [] : [`${name} reads ${what}`];
      });
      expect({ target: found.target, escapes }).toEqual({ target: found.target, escapes: [] });
    }),
    fuzzRuns(trials),
  );
  // A classifier that refuses everything, or a generator of rubbish, would prove nothing.
  expect(accepted).toBeGreaterThan(drawn / 20);
  expect(accepted).toBeLessThan(drawn / 2);
});

test('no target of the corpus may be batched', () => {
  const corpus = readFileSync(new URL('../fixtures/corpus/targets.txt', import.meta.url), 'latin1');
  const known = corpus.trim().split('\n');
  expect(known.length).toBeGreaterThan(10);
  expect(known.filter((target) => letIn(target) !== undefined)).toEqual([]);
});

describe('control: each decoder finds targets that must not be batched', () => {
  test.each([
    ['whatwg', `${application}/a/../../1046/me`, 'another application'],
    ['whatwg', '//evil.example/ucwa/oauth/v1/applications/1045/me', 'another host'],
    ['whatwg', `/\\evil.example${application}/me`, 'another host'],
    ['whatwg', `${application}/%62atch`, 'a resource that is not batched'],
    ['whatwg', `${application}/.%2e/1046/me`, 'another application'],
    ['rfc3986', `//evil.example${application}/me`, 'another host'],
    ['rfc3986', `${application}/%2e%2e/1046/me`, 'another application'],
    ['rfc3986', `${application}/me/..`, 'the application itself'],
    ['doubleDecode', `${application}/%252e%252e%252f1046/me`, 'another application'],
    ['doubleDecode', `${application}//events`, 'a resource that is not batched'],
    ['doubleDecode', `${application}/x/contactphot%256f`, 'a photo'],
    ['iisLike', `${application}\\..\\1046\\me`, 'another application'],
    ['iisLike', `${application}/%c0%ae%c0%ae/1046/me`, 'another application'],
    ['iisLike', `${application}/%u0062atch`, 'a resource that is not batched'],
    ['iisLike', `${application}/%uff42atch`, 'a resource that is not batched'],
    ['iisLike', `${application}/PHOTOS.%20/x`, 'a resource that is not batched'],
    ['iisLike', `${application}/batch%00me`, 'a resource that is not batched'],
    ['iisLike', `${application}/batch::$DATA`, 'a resource that is not batched'],
  ])('%s, of %s: %s', (name, target, what) => {
    expect(escape(decoders[name]!(target), application)).toBe(what);
    expect(letIn(target)).toBeUndefined();
  });

  test('control: no decoder reads a plain target as an escape', () => {
    const target = `${application}/people/dana@domain.com/note`;
    expect(letIn(target)).toBeDefined();
    for (const decode of Object.values(decoders)) {
      expect(escape(decode(target), application)).toBeUndefined();
    }
  });
});
