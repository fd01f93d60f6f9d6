import { describe, expect, test } from '@jest/globals';
import { leaves } from '../../src/settings/describe-settings.ts';
import { problemsOf } from './load.ts';

const environmentName = (key: string) => leaves.get(key)!.env;

describe('a limit above the limit that includes it', () => {
  test('is refused, with the place where it was given', () => {
    const file = 'limits:\n  maxQueuedCallsPerUser: 9\n  maxQueuedCalls: 8\n';
    expect(problemsOf({ file })).toEqual([
      'proxy.yaml:2:26 limits.maxQueuedCallsPerUser: expected at most limits.maxQueuedCalls (8), found 9 (number)',
    ]);
  });

  test('is refused with the place of the other limit, if the first limit is a default', () => {
    expect(problemsOf({ env: { UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS: '499' } })).toEqual([
      'UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS: expected at least limits.maxQueuedCallsPerUser (500 by default), found 499',
    ]);
  });

  test.each([
    ['limits.maxQueuedCallsPerUser', 6, 'limits.maxQueuedCalls', 5],
    ['limits.maxQueuedBytesPerUser', 6000, 'limits.maxQueuedBytes', 5000],
    ['limits.maxResponseBytes', 6000, 'limits.maxBufferedResponseBytes', 5000],
    ['listen.headersTimeoutMs', 600, 'listen.requestTimeoutMs', 500],
    ['batching.lingerMaxMs', 600, 'upstream.timeoutMs', 500],
  ])('is refused: %s of %d in %s of %d', (smaller, above, larger, below) => {
    const env = (value: number) => ({
      [environmentName(smaller)]: String(value),
      [environmentName(larger)]: String(below),
    });
    expect(problemsOf({ env: env(above) })).toEqual([
      `${environmentName(smaller)}: expected at most ${larger} (${below}), found ${above}`,
    ]);
    expect(problemsOf({ env: env(below) })).toEqual([]);
  });

  test('is not reported if one of the two values is invalid', () => {
    const file = 'limits: { maxQueuedCallsPerUser: 9, maxQueuedCalls: few }';
    expect(problemsOf({ file })).toHaveLength(1);
  });
});

test('a recording needs mode off or shadow, because only unbatched calls have a duration of their own', () => {
  expect(problemsOf({ file: 'record: { file: trace.csv }' })).toEqual([
    'proxy.yaml:1:17 record.file: expected batching.mode off or shadow beside it, found batching.mode (adaptive by default)',
  ]);
  for (const mode of ['off', 'shadow']) {
    expect(
      problemsOf({ file: `batching: { mode: ${mode} }\nrecord: { file: trace.csv }` }),
    ).toEqual([]);
  }
});

describe('TLS', () => {
  test.each(['listen', 'upstream'])('needs both certificate and key of %s', (side) => {
    expect(problemsOf({ file: `${side}: { tls: { cert: a.pem, key: b.pem } }` })).toEqual([]);
    expect(problemsOf({ file: `${side}: { tls: { cert: a.pem } }` })).toEqual([
      expect.stringMatching(
        `^proxy.yaml:1:\\d+ ${side}.tls.cert: expected ${side}.tls.key beside it, found none$`,
      ),
    ]);
    expect(problemsOf({ file: `${side}: { tls: { key: b.pem } }` })).toEqual([
      expect.stringMatching(
        `^proxy.yaml:1:\\d+ ${side}.tls.key: expected ${side}.tls.cert beside it, found none$`,
      ),
    ]);
  });

  test('to the pool needs an https upstream.url', () => {
    const file = 'upstream:\n  tls: { ca: ca.pem, servername: pool }\n';
    expect(problemsOf({ file, flags: { upstream: 'http://pool.example' } })).toEqual([
      'proxy.yaml:2:14 upstream.tls.ca: expected an https upstream.url, found "http://pool.example" (string)',
      'proxy.yaml:2:34 upstream.tls.servername: expected an https upstream.url, found "http://pool.example" (string)',
    ]);
    expect(problemsOf({ file, flags: { upstream: 'https://pool.example' } })).toEqual([]);
    expect(problemsOf({ file })).toEqual([]);
  });
});

describe('addresses', () => {
  test('of clients and of the admin port must differ', () => {
    expect(problemsOf({ flags: { listen: '127.0.0.1:9464' } })).toEqual([
      '--listen: expected an address apart from admin.address (127.0.0.1:9464 by default), found "127.0.0.1:9464"',
    ]);
    expect(problemsOf({ flags: { admin: '0.0.0.0:81', listen: '127.0.0.1:81' } })).toEqual([
      '--admin: expected an address apart from listen.address (127.0.0.1:81), found "0.0.0.0:81"',
    ]);
  });

  test('may both have port 0, for any free port', () => {
    expect(problemsOf({ flags: { admin: '127.0.0.1:0', listen: '127.0.0.1:0' } })).toEqual([]);
  });

  test.each([
    ['http://127.0.0.1:8080', 'listen.address (127.0.0.1:8080 by default)'],
    ['http://localhost:8080/', 'listen.address (127.0.0.1:8080 by default)'],
    ['http://0.0.0.0:8080', 'listen.address (127.0.0.1:8080 by default)'],
    ['https://127.0.0.1:9464', 'admin.address (127.0.0.1:9464 by default)'],
  ])('of the proxy itself are refused as the pool: %s', (url, own) => {
    expect(problemsOf({ flags: { upstream: url } })).toEqual([
      `--upstream: expected the address of the pool, found this proxy's own ${own}`,
    ]);
  });

  test.each(['http://127.0.0.1:8081', 'http://pool.example:8080', 'http://10.0.0.1:8080'])(
    'of other hosts or ports are accepted as the pool: %s',
    (url) => {
      expect(problemsOf({ flags: { upstream: url, listen: '0.0.0.0:8080' } })).toEqual([]);
    },
  );

  test('in a URL without a port have the default port of the scheme', () => {
    const flags = { upstream: 'http://localhost', listen: '[::]:80' };
    expect(problemsOf({ flags })).toEqual([
      "--upstream: expected the address of the pool, found this proxy's own listen.address ([::]:80)",
    ]);
  });
});

test('further certificates need a main one', () => {
  const file = 'listen: { tls: { certs: [{ cert: a, key: b }] } }\n';
  expect(problemsOf({ file })).toEqual([
    'proxy.yaml:1:34 listen.tls.certs: expected listen.tls.cert beside it, found none',
  ]);
});

test('listen.h2c needs a port without TLS', () => {
  const tls = 'tls: { cert: a, key: b }';
  expect(problemsOf({ file: `listen: { h2c: true, ${tls} }\n` })).toEqual([
    'proxy.yaml:1:16 listen.h2c: expected listen.plain beside it, for clients without TLS, found none',
  ]);
  expect(problemsOf({ file: `listen: { h2c: true, plain: '127.0.0.1:80', ${tls} }\n` })).toEqual(
    [],
  );
  expect(problemsOf({ file: 'listen: { h2c: true }\n' })).toEqual([]);
});
