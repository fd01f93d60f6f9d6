import { describe, expect, test } from '@jest/globals';
import { problemsOf, settingsOf } from './load.ts';

describe('unknown keys', () => {
  test.each([
    [
      'a typing error in a key',
      'batching:\n  lingerMaxMS: 5\n',
      'proxy.yaml:2:3 batching.lingerMaxMS: unknown key, did you mean batching.lingerMaxMs?',
    ],
    [
      'a typing error in a section',
      'batchin:\n  maxParts: 5\n',
      'proxy.yaml:1:1 batchin: unknown key, did you mean batching?',
    ],
    [
      'a key in the wrong section',
      'limits:\n  maxParts: 5\n',
      'proxy.yaml:2:3 limits.maxParts: unknown key, did you mean batching.maxParts?',
    ],
    [
      'a name similar to no key',
      'admin: { token: hunter2 }\n',
      'proxy.yaml:1:10 admin.token: unknown key, expected one of address, hosts, tokenFile, readyNeedsPool',
    ],
    [
      'a dotted name',
      'limits.maxQueuedCalls: 5\n',
      'proxy.yaml:1:1 limits.maxQueuedCalls: unknown key, dotted names are written as nested keys',
    ],
    [
      'a merge key',
      'batching: { <<: { maxParts: 5 } }\n',
      'proxy.yaml:1:13 batching.<<: unknown key, expected one of mode, share, verify, lingerMaxMs, exchangeRateMs, maxParts, maxBytes, maxInFlightPerUser, collapse, holdEvents, eventPriming, never',
    ],
    [
      'a name of Object.prototype',
      '__proto__: { maxParts: 5 }\n',
      'proxy.yaml:1:1 __proto__: unknown key, expected one of listen, admin, upstream, batching, limits, drain, log, trace, record, pools',
    ],
  ])('are refused: %s', (_name, file, problem) => {
    expect(problemsOf({ file })).toEqual([problem]);
  });

  test.each(['batching.lanes', 'limits.poolPrior', 'log.tune'])(
    'include %s: a setting that is planned and does not exist',
    (key) => {
      const [section = '', name = ''] = key.split('.');
      expect(problemsOf({ file: `${section}: { ${name}: 1 }` })).toEqual([
        expect.stringContaining(` ${key}: unknown key, `),
      ]);
    },
  );
});

describe('values that do not fit their settings', () => {
  const milliseconds = 'expected a number of milliseconds from 0 to 1000';
  const url =
    'expected scheme and host such as https://pool.example.com (no path, query or credentials)';
  const range = 'expected an IP address or a CIDR range such as 10.0.0.0/8';

  test.each([
    [
      'batching:\n  lingerMaxMs: soon',
      `2:16 batching.lingerMaxMs: ${milliseconds}, found "soon" (string)`,
    ],
    [
      'batching:\n  lingerMaxMs: "15"',
      `2:16 batching.lingerMaxMs: ${milliseconds}, found "15" (string)`,
    ],
    [
      'batching: {lingerMaxMs: 1001}',
      `1:25 batching.lingerMaxMs: ${milliseconds}, found 1001 (number)`,
    ],
    [
      'batching: {lingerMaxMs: 1.5}',
      `1:25 batching.lingerMaxMs: ${milliseconds}, found 1.5 (number)`,
    ],
    [
      'batching: {lingerMaxMs: true}',
      `1:25 batching.lingerMaxMs: ${milliseconds}, found true (boolean)`,
    ],
    ['batching: {lingerMaxMs: [1]}', `1:25 batching.lingerMaxMs: ${milliseconds}, found a list`],
    [
      'batching: {lingerMaxMs: {a: 1}}',
      `1:25 batching.lingerMaxMs: ${milliseconds}, found a mapping`,
    ],
    ['batching:\n  lingerMaxMs:\n', `2:15 batching.lingerMaxMs: ${milliseconds}, found nothing`],
    [
      'batching: {maxBytes: 5}',
      '1:22 batching.maxBytes: expected a number of bytes from 1024 to 16777216, found 5 (number)',
    ],
    [
      'batching: {mode: dark}',
      '1:18 batching.mode: expected adaptive, fixed, off, or shadow, found "dark" (string)',
    ],
    ['log: {format: csv}', '1:15 log.format: expected json, text, or w3c, found "csv" (string)'],
    ['batching: 5', '1:11 batching: expected a mapping of keys, found 5 (number)'],
    ['upstream:\n  tls: off', '2:8 upstream.tls: expected a mapping of keys, found "off" (string)'],
    ['- batching', '1:1: expected a mapping of keys, found a list'],
    ['batching', '1:1: expected a mapping of keys, found "batching" (string)'],
    [
      'upstream: {url: "https://pool/ucwa"}',
      `1:17 upstream.url: ${url}, found "https://pool/ucwa" (string)`,
    ],
    ['upstream: {url: "ftp://pool"}', `1:17 upstream.url: ${url}, found "ftp://pool" (string)`],
    ['upstream: {url: pool.example}', `1:17 upstream.url: ${url}, found "pool.example" (string)`],
    [
      'upstream: {url: "http://pool:0"}',
      `1:17 upstream.url: ${url}, found "http://pool:0" (string)`,
    ],
    [
      'upstream: {url: "http://pool:99999"}',
      `1:17 upstream.url: ${url}, found "http://pool:99999" (string)`,
    ],
    [
      'upstream: {url: "http://999.1.1.1"}',
      `1:17 upstream.url: ${url}, found "http://999.1.1.1" (string)`,
    ],
    [
      'upstream: {tls: {servername: 10.0.0.1}}',
      '1:30 upstream.tls.servername: expected a host name, found "10.0.0.1" (string)',
    ],
    [
      'listen: {trustedProxies: 10.0.0.1}',
      '1:26 listen.trustedProxies: expected a list of IP addresses and CIDR ranges such as [10.0.0.0/8], found "10.0.0.1" (string)',
    ],
    [
      'listen:\n  trustedProxies:\n    - 10.0.0.1\n    - 10.0.0.0/33',
      `4:7 listen.trustedProxies[1]: ${range}, found "10.0.0.0/33" (string)`,
    ],
    [
      'listen: {trustedProxies: [[10.0.0.1]]}',
      `1:27 listen.trustedProxies[0]: ${range}, found a list`,
    ],
    [
      'listen: {address: 8080}',
      '1:19 listen.address: expected host:port such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080, found 8080 (number)',
    ],
  ])('are refused: %j', (file, problem) => {
    expect(problemsOf({ file })).toEqual([`proxy.yaml:${problem}`]);
  });

  test('are refused in messages without secrets', () => {
    const file = `
upstream:
  url: https://user:hunter2@pool.example/?token=hunter2
  tls:
    cert: /cert.pem
    key: |
      -----BEGIN PRIVATE KEY-----
      hunter2
      -----END PRIVATE KEY-----
`;
    expect(problemsOf({ file })).toEqual([
      `proxy.yaml:3:8 upstream.url: ${url}, found "https://***@pool.example/?***" (string)`,
      'proxy.yaml:6:10 upstream.tls.key: expected the path of a PEM file, found other text',
    ]);
  });

  test('are shortened in messages if they are long', () => {
    expect(problemsOf({ file: `log: {level: ${'x'.repeat(100_000)}}` })).toEqual([
      'proxy.yaml:1:14 log.level: expected trace, debug, info, warn, error, fatal, or silent, found a text of 100000 characters (string)',
    ]);
    expect(problemsOf({ file: `log: {level: ${'x'.repeat(100)}}` })).toEqual([
      expect.stringContaining(`found "${'x'.repeat(80)}..." (string)`),
    ]);
  });

  test.each(['user:hunter2@pool', 'http:user:hunter2@pool', 'https://u:hunter2/hunter2@pool'])(
    'are refused in a flag too, in messages without credentials: %s',
    (text) => {
      const problems = problemsOf({ flags: { upstream: text } });
      expect(problems).toHaveLength(1);
      expect(problems.join()).not.toContain('hunter2');
    },
  );
});

describe('text that is not YAML', () => {
  test.each([
    ['listen:\n\taddress: a\n', '2:1: not valid YAML: Tabs are not allowed as indentation'],
    ['listen: {address: "a\n', '2:1: not valid YAML: Missing closing "quote'],
    ['listen: @x\n', '1:9: not valid YAML: Plain value cannot start with reserved character @'],
    ['listen: }hunter2{\n', '1:9: not valid YAML: Unexpected flow-map-end token in YAML stream'],
    ['listen: |hunter2\n', '1:10: not valid YAML: Block scalar header includes extra characters'],
    ['listen: !hunter2 x\n', '1:9: not valid YAML: Unresolved tag'],
    [
      'log: {}\n---\nlog: {}\n',
      '2:1: not valid YAML: Source contains multiple documents; please use YAML.parseAllDocuments()',
    ],
  ])('is refused with its line and without its content: %j', (file, problem) => {
    expect(problemsOf({ file })).toEqual([`proxy.yaml:${problem}`]);
  });

  test('gives no settings, but the other sources are still checked', () => {
    expect(problemsOf({ file: 'nonsense: 1\nlog: @x\n', flags: { mode: 'no' } })).toEqual([
      'proxy.yaml:2:6: not valid YAML: Plain value cannot start with reserved character @',
      '--mode: expected adaptive, fixed, off, or shadow, found "no"',
    ]);
  });
});

test('text is parsed as YAML 1.2, even if it declares another version', () => {
  // YAML 1.1 reads 1:10 as 70, a number in base 60.
  expect(problemsOf({ file: '%YAML 1.1\n---\nbatching: {lingerMaxMs: 1:10}\n' })).toEqual([
    'proxy.yaml:3:25 batching.lingerMaxMs: expected a number of milliseconds from 0 to 1000, found "1:10" (string)',
  ]);
});

describe('keys given twice', () => {
  test('are refused, both settings and sections', () => {
    const file = 'log:\n  level: info\n  level: debug\ndrain: {}\nlog: {}\n';
    expect(problemsOf({ file })).toEqual([
      'proxy.yaml:3:3 log.level: expected one value, found a second one (first: proxy.yaml:2:3)',
      'proxy.yaml:5:1 log: expected one value, found a second one (first: proxy.yaml:1:1)',
    ]);
  });
});

describe('aliases', () => {
  test('have the value of their anchor', () => {
    const file = 'drain: {delayMs: &ms 500, timeoutMs: *ms}\nlog: &log {level: warn}\n';
    expect(settingsOf({ file }).drain).toEqual({ delayMs: 500, timeoutMs: 500 });
  });

  test('without an anchor have no value', () => {
    expect(problemsOf({ file: 'drain: {delayMs: *ms}' })).toEqual([
      'proxy.yaml:1:18 drain.delayMs: expected a number of milliseconds from 0 to 600000, found nothing',
    ]);
  });

  test('that contain themselves are refused without an endless loop', () => {
    const file = 'listen: &a {tls: *a, trustedProxies: &b [*b]}';
    expect(problemsOf({ file })).toEqual([
      'proxy.yaml:1:13 listen.tls.tls: unknown key, expected one of certs, cert, key',
      'proxy.yaml:1:22 listen.tls.trustedProxies: unknown key, did you mean listen.trustedProxies?',
      'proxy.yaml:1:42 listen.trustedProxies[0]: expected an IP address or a CIDR range such as 10.0.0.0/8, found a list',
    ]);
  });
});
