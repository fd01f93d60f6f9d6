import { describe, expect, test } from '@jest/globals';
import { effectiveYaml } from '../../src/settings/effective-yaml.ts';
import { fitLimits } from '../../src/settings/fit-limits.ts';
import { poolsOf, serverOf } from '../../src/settings/pools.ts';
import { problemsOf, settingsOf } from './load.ts';

const MiB = 1024 * 1024;

const file = `upstream:
  connectionAuth: bind
pools:
  - name: front-end
    hosts: [web.example.com, '*.example.com', 'meet.example.com:4443', '[2001:db8::1]']
    servers: [https://fe01.example.com:4443/, https://fe02.example.com:4443]
    tls:
      ca: ca.pem
  - name: office
    hosts: [oos.example.com]
    servers: [https://oos.example.com]
    connectionAuth: refuse
    batching: false
`;

describe('pools', () => {
  test('are read from the file', () => {
    expect(poolsOf(settingsOf({ file }))).toEqual([
      {
        name: 'front-end',
        hosts: ['web.example.com', '*.example.com', 'meet.example.com:4443', '[2001:db8::1]'],
        servers: ['https://fe01.example.com:4443', 'https://fe02.example.com:4443'],
        plainServers: [],
        fallback: [],
        health: { intervalMs: 1000 },
        tls: { ca: 'ca.pem' },
        connectionAuth: 'bind',
        batching: true,
        tlsSection: 'pools[0].tls',
      },
      {
        name: 'office',
        hosts: ['oos.example.com'],
        servers: ['https://oos.example.com'],
        plainServers: [],
        fallback: [],
        health: { intervalMs: 1000 },
        tls: {},
        connectionAuth: 'refuse',
        batching: false,
        tlsSection: 'pools[1].tls',
      },
    ]);
  });

  test('are one pool with any name for upstream.url', () => {
    const [pool, ...others] = poolsOf(settingsOf({ flags: { upstream: 'https://pool.example' } }));
    expect(others).toEqual([]);
    expect(pool).toMatchObject({ name: '', hosts: [], batching: true, tlsSection: 'upstream.tls' });
    expect(pool && serverOf(pool).href).toBe('https://pool.example/');
  });

  test('are printed as a file that loads to the same settings', () => {
    const settings = settingsOf({ file });
    expect(settingsOf({ file: effectiveYaml(settings) })).toEqual(settings);
  });

  test('may be empty, and may use an alias', () => {
    expect(settingsOf({ file: 'pools: []\n' }).pools).toEqual([]);
    expect(settingsOf({ file: 'pools:\n' }).pools).toEqual([]);
    const aliased = `pools:
  - { name: a, hosts: [a], servers: &s [https://fe.example] }
  - { name: b, hosts: [b], servers: *s }
`;
    expect(settingsOf({ file: aliased }).pools.map(({ servers }) => servers)).toEqual([
      ['https://fe.example'],
      ['https://fe.example'],
    ]);
  });

  test('each need connections of their own, which the limits leave room for', () => {
    const room = { heapBytes: 4096 * MiB, openFiles: 2048 };
    const { settings } = fitLimits(settingsOf({ file }), room, () => true);
    const { limits, upstream } = settings;
    // One of the two pools binds connections.
    const all = limits.maxConnections + limits.maxLongPolls + upstream.maxBoundConnections;
    expect(all).toBeLessThanOrEqual(2048 - 2 * 2 * upstream.maxConnections - 160);
    expect(all).toBeGreaterThan(2048 - 2 * 2 * upstream.maxConnections - 170);
  });
});

const a = '{ name: a, hosts: [a.example], servers: [https://a] }';

describe('a mistake in pools has its place:', () => {
  test.each<[string, string, string[]]>([
    [
      'a missing key',
      'pools:\n  - name: a\n',
      [
        'proxy.yaml:2:5 pools[0].servers: expected a list of at least one scheme and host such as [https://fe01.example.com:4443], found nothing',
      ],
    ],
    [
      'an unknown key',
      `pools:\n  - ${a}\n  - name: b\n    servers: [https://b]\n    host: [b]\n`,
      ['proxy.yaml:5:5 pools[1].host: unknown key, did you mean pools[].hosts?'],
    ],
    [
      'an unknown key of a section',
      'pools:\n  - name: a\n    servers: [https://b]\n    tls: { cra: x }\n',
      ['proxy.yaml:4:12 pools[0].tls.cra: unknown key, did you mean pools[].tls.ca?'],
    ],
    [
      'a wrong item',
      'pools:\n  - name: a\n    servers: [https://a, https://b/path]\n',
      [
        'proxy.yaml:3:26 pools[0].servers[1]: expected scheme and host such as https://pool.example.com (no path, query or credentials), found "https://b/path" (string)',
      ],
    ],
    [
      'wrong values of several pools',
      'pools:\n  - { name: A, servers: [https://a] }\n  - { name: b, servers: [https://b], batching: 1, hosts: [a b, "https://x", "*.*.x", "*x"] }\n',
      [
        'proxy.yaml:2:13 pools[0].name: expected up to 63 lower-case letters, digits and hyphens, found "A" (string)',
        'proxy.yaml:3:48 pools[1].batching: expected true or false, found 1 (number)',
        ...['"a b"', '"https://x"', '"*.*.x"', '"*x"'].map((found) =>
          expect.stringContaining(found),
        ),
      ] as string[],
    ],
    [
      'a mapping in place of a list',
      `pools: ${a}\n`,
      ['proxy.yaml:1:8 pools: expected a list of mappings, found a mapping'],
    ],
    [
      'an item that is no mapping',
      'pools: [https://a]\n',
      ['proxy.yaml:1:9 pools[0]: expected a mapping of keys, found "https://a" (string)'],
    ],
    [
      'a second list',
      `pools: [${a}]\npools: []\n`,
      ['proxy.yaml:2:1 pools: expected one value, found a second one (first: proxy.yaml:1:1)'],
    ],
    [
      'a list that contains itself',
      'pools: &p [*p]\n',
      ['proxy.yaml:1:12 pools[0]: expected a mapping of keys, found a list'],
    ],
    [
      'PEM data in place of a path',
      'pools:\n  - name: a\n    servers: [https://a]\n    tls: { ca: "-----BEGIN KEY----- hunter2" }\n',
      ['proxy.yaml:4:16 pools[0].tls.ca: expected the path of a PEM file, found other text'],
    ],
  ])('%s', (_, text, problems) => {
    expect(problemsOf({ file: text })).toEqual(problems);
  });
});

describe('a contradiction in pools has its place:', () => {
  test.each<[string, string, string]>([
    [
      'upstream.url beside it',
      `upstream: { url: https://p }\npools:\n  - ${a}\n`,
      'proxy.yaml:1:18 upstream.url: expected no pools beside it, found 1 in pools',
    ],
    [
      'TLS of upstream.url beside it',
      `upstream: { tls: { ca: x } }\npools:\n  - ${a}\n`,
      'proxy.yaml:1:24 upstream.tls.ca: expected no pools beside it, found 1 in pools',
    ],
    [
      'one name of two pools',
      `pools:\n  - ${a}\n  - { name: a, hosts: [b], servers: [https://b] }\n`,
      'proxy.yaml:3:13 pools[1].name: expected another name than that of pools[0], found "a" (string)',
    ],
    [
      'one host of two pools, spelled differently',
      `pools:\n  - ${a}\n  - { name: b, hosts: [A.Example.], servers: [https://b] }\n`,
      'proxy.yaml:3:23 pools[1].hosts: expected no name of pools[0], found "a.example" (string)',
    ],
    [
      'every other name for two pools',
      `pools:\n  - { name: a, servers: [https://a] }\n  - { name: b, hosts: [b, '*'], servers: [https://b] }\n`,
      'proxy.yaml:3:23 pools[1].hosts: expected no name of pools[0], found every other name',
    ],
    [
      'a certificate without a key',
      'pools:\n  - { name: a, servers: [https://a], tls: { cert: x } }\n',
      'proxy.yaml:2:51 pools[0].tls.cert: expected pools[0].tls.key beside it, found none',
    ],
    [
      'TLS files for http servers',
      'pools:\n  - { name: a, servers: [http://a], tls: { ca: x } }\n',
      'proxy.yaml:2:48 pools[0].tls.ca: expected https servers, found "http://a" (string)',
    ],
    [
      'http and https servers',
      'pools:\n  - { name: a, servers: [http://a, https://b] }\n',
      'proxy.yaml:2:25 pools[0].servers: expected only https servers, or only http servers, found "https://b" (string)',
    ],
    [
      'the address of the proxy',
      'pools:\n  - { name: a, servers: [http://localhost:8080] }\n',
      "proxy.yaml:2:25 pools[0].servers: expected addresses of the pool, found this proxy's own listen.address (127.0.0.1:8080)",
    ],
    [
      'the plain listener of the proxy as a server',
      'listen: { plain: 127.0.0.1:81 }\npools:\n  - { name: a, servers: [http://localhost:81] }\n',
      "proxy.yaml:3:25 pools[0].servers: expected addresses of the pool, found this proxy's own listen.plain (127.0.0.1:81)",
    ],
    [
      'the plain listener of the proxy as a plain server',
      'listen: { plain: 127.0.0.1:81 }\npools:\n  - { name: a, servers: [https://a], plainServers: [http://127.0.0.1:81] }\n',
      "proxy.yaml:3:52 pools[0].plainServers: expected addresses of the pool, found this proxy's own listen.plain (127.0.0.1:81)",
    ],
    [
      'the main listener of the proxy as a plain server',
      'listen: { plain: 127.0.0.1:81 }\npools:\n  - { name: a, servers: [https://a], plainServers: [http://127.0.0.1:8080] }\n',
      "proxy.yaml:3:52 pools[0].plainServers: expected addresses of the pool, found this proxy's own listen.address (127.0.0.1:8080)",
    ],
  ])('%s', (_, text, problem) => {
    expect(problemsOf({ file: text })).toEqual([problem]);
  });

  test('upstream.url from a flag or the environment', () => {
    const pools = `pools:\n  - ${a}\n`;
    expect(problemsOf({ file: pools, flags: { upstream: 'https://p' } })).toEqual([
      '--upstream: expected no pools beside it, found 1 in pools',
    ]);
  });
});
