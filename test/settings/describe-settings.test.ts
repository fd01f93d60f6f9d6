import { describe, expect, test } from '@jest/globals';
import { describeLists, describeSettings } from '../../src/settings/describe-settings.ts';
import { jsonSchema } from '../../src/settings/json-schema.ts';
import { missingUpstream } from '../../src/settings/load-settings.ts';
import { problemsOf } from './load.ts';

const rows = describeSettings();
const lists = describeLists();

test('every setting has a meaning, accepted values and a placeholder', () => {
  for (const row of rows) {
    expect(row).toMatchObject({
      key: expect.stringMatching(/^[a-z]+(\.[a-z]+)?\.[a-zA-Z0-9]+$/),
      meaning: expect.stringMatching(/^\S.*[^.\s]$/),
      accepts: expect.stringMatching(/\S/),
      placeholder: expect.stringMatching(/\S/),
    });
  }
});

test('every key of the items of a list has a meaning, accepted values and a placeholder', () => {
  expect(lists.map(({ key }) => key)).toEqual(['listen.tls.certs', 'pools']);
  for (const { key, meaning, items } of lists) {
    expect(meaning).toMatch(/^\S.*[^.\s]$/);
    for (const item of items) {
      expect(item).toMatchObject({
        key: expect.stringMatching(/^[a-z]+(\.[a-z]+){0,2}\[\](\.[a-z]+)?\.[a-zA-Z]+$/),
        meaning: expect.stringMatching(/^\S.*[^.\s]$/),
        accepts: expect.stringMatching(/\S/),
        placeholder: expect.stringMatching(/\S/),
      });
      expect(item.key.startsWith(`${key}[]`)).toBe(true);
    }
  }
});

test('names of environment variables derive from the keys and are unique', () => {
  const names = new Map(rows.map(({ key, env }) => [key, env]));
  expect(names.get('limits.maxQueuedCalls')).toBe('UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS');
  expect(names.get('listen.tls.cert')).toBe('UCWA_PROXY_LISTEN_TLS_CERT');
  expect(new Set(names.values()).size).toBe(rows.length);
});

test('the flags are the documented ones', () => {
  const flags = rows.flatMap(({ key, flag }) => (flag === undefined ? [] : [[key, flag]]));
  expect(flags).toEqual([
    ['listen.address', 'listen'],
    ['admin.address', 'admin'],
    ['upstream.url', 'upstream'],
    ['batching.mode', 'mode'],
    ['batching.lingerMaxMs', 'linger'],
    ['batching.maxParts', 'max-parts'],
    ['log.level', 'log-level'],
    ['record.file', 'record'],
  ]);
});

test('every default is a valid value of its setting', () => {
  const env = Object.fromEntries(
    rows.flatMap((row) =>
      row.defaultValue === undefined ? [] : [[row.env, String(row.defaultValue)]],
    ),
  );
  expect(problemsOf({ env })).toEqual([]);
});

test('the message for a missing upstream.url names its flag and its environment variable', () => {
  const row = rows.find(({ key }) => key === 'upstream.url')!;
  expect(missingUpstream).toContain(`--${row.flag!} ${row.placeholder}`);
  expect(missingUpstream).toContain(row.env);
});

describe('the JSON schema', () => {
  interface Node {
    readonly type?: string;
    readonly description?: string;
    readonly default?: unknown;
    readonly additionalProperties?: boolean;
    readonly properties?: Readonly<Record<string, Node>>;
    readonly items?: Node;
  }

  const schema = jsonSchema() as Node & { $schema: string };

  function nodesBelow(node: Node, path: string): Array<[string, Node]> {
    return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
      const key = path === '' ? name : `${path}.${name}`;
      const items = child.items?.properties === undefined ? undefined : child.items;
      if (items !== undefined) {
        return [[`${key}[]`, items] as [string, Node], ...nodesBelow(items, `${key}[]`)];
      }
      return [[key, child] as [string, Node], ...nodesBelow(child, key)];
    });
  }

  test('declares draft 7', () => {
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
  });

  test('has every setting with its default and its meaning', () => {
    const nodes = new Map(nodesBelow(schema, '').filter(([, node]) => node.type !== 'object'));
    const described = [...rows, ...lists.flatMap(({ items }) => items)];
    expect(new Set(nodes.keys())).toEqual(new Set(described.map(({ key }) => key)));
    for (const row of described) {
      const node = nodes.get(row.key);
      expect(node?.description).toBe(row.meaning);
      expect(node?.default).toEqual(row.defaultValue);
    }
  });

  test('refuses unknown keys everywhere', () => {
    const sections = nodesBelow(schema, '').filter(([, node]) => node.type === 'object');
    expect(sections).toHaveLength(15);
    for (const [, section] of [['', schema] as const, ...sections]) {
      expect(section.additionalProperties).toBe(false);
    }
  });

  test('has bounds and alternatives', () => {
    const nodes = new Map(nodesBelow(schema, ''));
    expect(nodes.get('batching.lingerMaxMs')).toMatchObject({ minimum: 0, maximum: 1000 });
    expect(nodes.get('batching.mode')).toMatchObject({
      enum: ['adaptive', 'fixed', 'off', 'shadow'],
    });
  });
});
