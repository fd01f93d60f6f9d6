/** Generates settings of all kinds. */
import fc from 'fast-check';
import { describeSettings } from '../../src/settings/describe-settings.ts';
import { jsonSchema } from '../../src/settings/json-schema.ts';
import { problemsOf } from './load.ts';

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
  'trace.endpoint': fc.tuple(host, port).map((parts) => `http://${parts.join(':')}`),
  'upstream.tls.servername': fc.domain(),
  'batching.never': fc.array(fc.constantFrom('people/search', '/a/*/b', '**', 'x.y/%20')),
};

/** Generator of any subset of the settings by key, with values that fit the JSON schema. */
export const givenSettings: fc.Arbitrary<Record<string, unknown>> = fc.record(
  Object.fromEntries(describeSettings().map(({ key }) => [key, valueOf(key)])),
  { requiredKeys: [] },
);

function valueOf(key: string): fc.Arbitrary<unknown> {
  let node = jsonSchema() as Node;
  for (const name of key.split('.')) node = node.properties![name]!;
  if (node.enum) return fc.constantFrom(...node.enum);
  if (node.type === 'boolean') return fc.boolean();
  if (node.type === 'integer') return fc.integer({ min: node.minimum!, max: node.maximum! });
  if (node.type === 'number') return fc.constantFrom(0, 0.25, 1);
  return texts[key] ?? path;
}

/** Removes settings that contradict others, and throws if a setting has any other problem. */
export function withoutContradictions(given: Record<string, unknown>): Record<string, unknown> {
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
export function fileOf(given: Record<string, unknown>): string {
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
