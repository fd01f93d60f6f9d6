import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describeSettings } from '../../src/settings/describe-settings.ts';
import { effectiveYaml } from '../../src/settings/effective-yaml.ts';
import { jsonSchema } from '../../src/settings/json-schema.ts';
import { problemsOf, settingsOf } from './load.ts';

interface Node {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Node>>;
}

const octet = fc.nat(255);
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
const host = fc.oneof(
  ipv4,
  fc.ipV6().map((ip) => `[${ip}]`),
  fc.domain(),
);
const port = fc.integer({ min: 1, max: 65535 });
const path = fc
  .string({ minLength: 1, unit: 'grapheme' })
  .filter((text) => /^[^\0\r\n]+$/.test(text) && !/:\/\/|-----BEGIN/.test(text));

/** Generators of valid texts by key, for settings with no pattern in their JSON schema. */
const texts: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  'listen.address': fc.tuple(host, fc.nat(65535)).map((parts) => parts.join(':')),
  'listen.plain': fc.tuple(host, fc.nat(65535)).map((parts) => parts.join(':')),
  'admin.address': fc.tuple(host, fc.nat(65535)).map((parts) => parts.join(':')),
  'admin.hosts': fc.array(
    fc.oneof(
      fc.domain(),
      fc.domain().map((name) => `*.${name}`),
    ),
  ),
  'listen.trustedProxies': fc.array(
    fc.oneof(
      ipv4,
      fc.tuple(ipv4, fc.nat(32)).map((parts) => parts.join('/')),
      fc.ipV6(),
    ),
  ),
  'upstream.url': fc.tuple(host, port).map((parts) => `https://${parts.join(':')}`),
  'upstream.tls.servername': fc.domain(),
  'batching.never': fc.array(fc.constantFrom('people/search', '/a/*/b', '**', 'x.y/%20')),
};

/** Generator of any subset of the settings by key, with values that fit the JSON schema. */
const values: fc.Arbitrary<Record<string, unknown>> = fc.record(
  Object.fromEntries(describeSettings().map(({ key }) => [key, valueOf(key)])),
  { requiredKeys: [] },
);

function valueOf(key: string): fc.Arbitrary<unknown> {
  let node = jsonSchema() as Node;
  for (const name of key.split('.')) node = node.properties![name]!;
  if (node.enum) return fc.constantFrom(...node.enum);
  if (node.type === 'boolean') return fc.boolean();
  if (node.type === 'integer') return fc.integer({ min: node.minimum!, max: node.maximum! });
  return texts[key] ?? path;
}

/** Removes settings that contradict others, and throws if a setting has any other problem. */
function withoutContradictions(given: Record<string, unknown>): Record<string, unknown> {
  const problems = problemsOf({ file: fileOf(given) });
  if (problems.length === 0) return given;
  const rest = { ...given };
  for (const problem of problems) {
    const [, key = ''] =
      /^\S+ (\S+): expected (?:at most|at least|\S+(?: off or shadow)? beside it|an address apart|the address of the pool)/.exec(
        problem,
      ) ?? [];
    if (!(key in rest)) throw new Error(problem);
    Reflect.deleteProperty(rest, key);
  }
  return withoutContradictions(rest);
}

/** Returns a settings file as JSON, which is valid YAML. */
function fileOf(given: Record<string, unknown>): string {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    const names = key.split('.');
    let section = root;
    for (const name of names.slice(0, -1)) {
      section = (section[name] ??= {}) as Record<string, unknown>;
    }
    section[names.at(-1)!] = value;
  }
  return JSON.stringify(root);
}

test('printed settings load as the same settings', () => {
  fc.assert(
    fc.property(values, (given) => {
      const settings = settingsOf({ file: fileOf(withoutContradictions(given)) });
      const printed = effectiveYaml(settings);
      expect(settingsOf({ file: printed })).toEqual(settings);
      expect(effectiveYaml(settingsOf({ file: printed }))).toBe(printed);
    }),
  );
});

test('settings with a value are printed, and no empty sections', () => {
  const printed = effectiveYaml(settingsOf({ flags: { upstream: 'http://pool.example' } }));
  expect(printed).toContain('upstream:\n  url: http://pool.example\n  timeoutMs: 30000\n');
  expect(printed).not.toMatch(/\{\}|^upstream:[^]*\n {2}tls:/m);
});

test.each(['-----BEGIN PRIVATE KEY-----\nhunter2', 'https://user:hunter2@vault/?token=hunter2'])(
  'printing throws, without the secret, if a path is a key or a URL with a password: %j',
  (key) => {
    const settings = settingsOf({});
    const print = () =>
      effectiveYaml({
        ...settings,
        listen: { ...settings.listen, tls: { ...settings.listen.tls, key } },
      });
    expect(print).toThrow(/tls/);
    expect(print).not.toThrow(/hunter2/);
  },
);

test.each(describeSettings().filter((row) => row.defaultValue === undefined))(
  '$key refuses PEM data and URLs with credentials',
  ({ env }) => {
    for (const secret of ['-----BEGIN PRIVATE KEY----- hunter2', 'https://u:hunter2@vault']) {
      const problems = problemsOf({ env: { [env]: secret } });
      expect(problems).toHaveLength(1);
      expect(problems.join()).not.toContain('hunter2');
    }
  },
);
