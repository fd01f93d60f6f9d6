import { describe, expect, test } from '@jest/globals';
import { loadServeSettings } from '../../src/settings/load-settings.ts';
import { load, problemsOf, settingsOf } from './load.ts';

describe('defaults', () => {
  test('are the documented defaults', () => {
    expect(settingsOf({})).toEqual({
      listen: {
        address: { host: '127.0.0.1', port: 8080 },
        http2: true,
        h2c: false,
        keepAliveTimeoutMs: 75000,
        headersTimeoutMs: 10000,
        requestTimeoutMs: 60000,
        compress: 'auto',
        trustedProxies: [],
        tls: { certs: [] },
      },
      admin: { address: { host: '127.0.0.1', port: 9464 }, hosts: [], readyNeedsPool: false },
      upstream: {
        timeoutMs: 30000,
        passThroughIdleMs: 960000,
        connectTimeoutMs: 3000,
        idleTimeoutMs: 15000,
        connectionAuth: 'refuse',
        maxBoundConnections: 2000,
        boundIdleMs: 60_000,
        boundMaxAgeMs: 3_600_000,
        maxConnections: 128,
        tls: {},
      },
      batching: {
        mode: 'adaptive',
        lingerMaxMs: 15,
        exchangeRateMs: 50,
        maxParts: 20,
        maxBytes: 262144,
        maxInFlightPerUser: 4,
        collapse: true,
        holdEvents: true,
        eventPriming: 'off',
        never: [],
        share: 1,
        verify: 0,
      },
      limits: {
        maxCallBytes: 65536,
        maxUsers: 50000,
        userIdleMs: 600000,
        maxQueuedCalls: 10000,
        maxQueuedCallsPerUser: 500,
        maxQueuedBytes: 67108864,
        maxQueuedBytesPerUser: 4194304,
        maxResponseBytes: 8388608,
        maxBufferedResponseBytes: 67108864,
        maxConnections: 20000,
        maxLongPolls: 10000,
        longPollCounts: true,
      },
      drain: { delayMs: 1000, timeoutMs: 25000 },
      log: { level: 'info', access: 'problems' },
      trace: { sampleRatio: 0.01 },
      record: { maxBytes: 67108864 },
      pools: [],
    });
  });

  test.each(['', '# nothing but a comment\n', 'listen:\nbatching:\n', '---\n'])(
    'apply to the file %j',
    (file) => {
      expect(settingsOf({ file })).toEqual(settingsOf({}));
    },
  );
});

describe('precedence', () => {
  const file = 'batching: { lingerMaxMs: 1, maxParts: 1, maxBytes: 2000 }';
  const env = {
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '2',
    UCWA_PROXY_BATCHING_MAX_PARTS: '2',
  };

  test('flags override the environment, the environment overrides the file, the file overrides defaults', () => {
    expect(settingsOf({ flags: { linger: '3' }, env, file }).batching).toMatchObject({
      mode: 'adaptive',
      lingerMaxMs: 3,
      maxParts: 2,
      maxBytes: 2000,
      maxInFlightPerUser: 4,
    });
  });

  test('an invalid value is reported even if another source overrides it', () => {
    expect(problemsOf({ flags: { linger: '3' }, file: 'batching: { lingerMaxMs: no }' })).toEqual([
      'proxy.yaml:1:26 batching.lingerMaxMs: expected a number of milliseconds from 0 to 1000, found "no" (string)',
    ]);
  });

  test('a list is replaced as a whole', () => {
    const settings = settingsOf({
      env: { UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '10.0.0.0/8, ::1' },
      file: 'listen: { trustedProxies: [192.0.2.1] }',
    });
    expect(settings.listen.trustedProxies).toEqual([
      { address: '10.0.0.0', prefixLength: 8, family: 'ipv4' },
      { address: '::1', prefixLength: 128, family: 'ipv6' },
    ]);
  });
});

describe('admin.hosts', () => {
  test('accepts exact names, and wildcards for all names below one', () => {
    const env = { UCWA_PROXY_ADMIN_HOSTS: 'Proxy.Example.com, *.ops.example' };
    expect(settingsOf({ env }).admin.hosts).toEqual(['Proxy.Example.com', '*.ops.example']);
  });

  test.each(['*', '*.', 'a.*', 'a*.example', 'a.example:9464', 'http://a', 'a b', 'a..b', ''])(
    'refuses %j, which is not a name',
    (name) => {
      expect(problemsOf({ file: `admin: { hosts: [${JSON.stringify(name)}] }` })).toEqual([
        `proxy.yaml:1:18 admin.hosts[0]: expected a host name such as proxy.example.com or *.example.com, found ${JSON.stringify(name)} (string)`,
      ]);
    },
  );
});

describe('flags', () => {
  test('set the documented settings', () => {
    const { listen, admin, upstream, batching, log } = settingsOf({
      flags: {
        listen: '[::1]:81',
        admin: '0.0.0.0:82',
        upstream: 'HTTPS://Pool.Example:443/',
        mode: 'off',
        linger: '0',
        'max-parts': '7',
        'log-level': 'debug',
      },
    });
    expect(listen.address).toEqual({ host: '::1', port: 81 });
    expect(admin.address).toEqual({ host: '0.0.0.0', port: 82 });
    expect(upstream.url).toBe('https://pool.example');
    expect(batching).toMatchObject({ mode: 'off', lingerMaxMs: 0, maxParts: 7 });
    expect(log.level).toBe('debug');
  });

  test('are named in messages', () => {
    expect(problemsOf({ flags: { 'max-parts': '1001', mode: 'dark' } })).toEqual([
      '--mode: expected adaptive, fixed, off, or shadow, found "dark"',
      '--max-parts: expected a whole number from 1 to 1000, found 1001',
    ]);
  });
});

describe('the environment', () => {
  test('takes a share as a decimal number', () => {
    expect(settingsOf({ env: { UCWA_PROXY_BATCHING_SHARE: '0.50' } }).batching.share).toBe(0.5);
  });

  test.each(['', ' 5', '5ms', '5.0', '1e3', '0x10', '+5'])('refuses %j as a number', (text) => {
    expect(problemsOf({ env: { UCWA_PROXY_BATCHING_LINGER_MAX_MS: text } })).toEqual([
      `UCWA_PROXY_BATCHING_LINGER_MAX_MS: expected a number of milliseconds from 0 to 1000, found "${text}"`,
    ]);
  });

  test('can set an empty list', () => {
    const env = { UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '' };
    const settings = settingsOf({ env, file: 'listen: { trustedProxies: [192.0.2.1] }' });
    expect(settings.listen.trustedProxies).toEqual([]);
  });

  test('gets a message for each invalid item of a list', () => {
    expect(problemsOf({ env: { UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '10.0.0.1,,me' } })).toEqual([
      'UCWA_PROXY_LISTEN_TRUSTED_PROXIES: expected an IP address or a CIDR range such as 10.0.0.0/8, found ""',
      'UCWA_PROXY_LISTEN_TRUSTED_PROXIES: expected an IP address or a CIDR range such as 10.0.0.0/8, found "me"',
    ]);
  });

  test('gets a warning for unknown names, which are ignored', () => {
    const env = {
      UCWA_PROXY_SERVICE_HOST: '10.0.0.7',
      UCWA_PROXY_LIMITS_MAX_QUEUD_CALLS: '5',
      UCWA_OTHER: 'x',
    };
    expect(load({ env })).toMatchObject({
      ok: true,
      warnings: [
        'UCWA_PROXY_SERVICE_HOST: not the name of a setting, ignored',
        'UCWA_PROXY_LIMITS_MAX_QUEUD_CALLS: not the name of a setting, ignored, did you mean UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS?',
      ],
    });
  });
});

describe('problems', () => {
  test('a text that is no path of a file gets a message that fits the setting', () => {
    const file = 'log:\n  userHashKeyFile: "a\\nb"\n';
    expect(problemsOf({ file })).toEqual([
      'proxy.yaml:2:20 log.userHashKeyFile: expected the path of a file, found other text',
    ]);
  });

  test('of all sources are reported together', () => {
    expect(
      problemsOf({
        file: 'limits:\n  maxQueuedCalls: 0\n  maxGroups: 5\nlog: {level: loud}\nlisten: { tls: { cert: a } }\n',
        env: { UCWA_PROXY_DRAIN_DELAY_MS: '-1' },
        flags: { listen: ':8080' },
      }),
    ).toEqual([
      'proxy.yaml:2:19 limits.maxQueuedCalls: expected a whole number from 1 to 1000000, found 0 (number)',
      'proxy.yaml:3:3 limits.maxGroups: unknown key, expected one of maxCallBytes, maxQueuedCalls, maxQueuedCallsPerUser, maxQueuedBytes, maxQueuedBytesPerUser, maxResponseBytes, maxBufferedResponseBytes, maxUsers, userIdleMs, maxConnections, maxLongPolls, longPollCounts',
      'proxy.yaml:4:14 log.level: expected trace, debug, info, warn, error, fatal, or silent, found "loud" (string)',
      'UCWA_PROXY_DRAIN_DELAY_MS: expected a number of milliseconds from 0 to 600000, found -1',
      '--listen: expected host:port such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080, found ":8080"',
      'proxy.yaml:5:24 listen.tls.cert: expected listen.tls.key beside it, found none',
    ]);
  });
});

describe('a file that cannot be understood causes one problem and no further messages', () => {
  test.each([
    ['text that is not YAML', 'upstream: }'],
    ['a list instead of a mapping', '[]'],
    ['a section that is not a mapping', 'upstream: off'],
    ['a section given twice', 'upstream: {}\nupstream: {}'],
    ['a key given twice', 'upstream: {url: "http://a", url: "http://b"}'],
  ])('%s', (_name, file) => {
    const sources = { flags: { config: 'proxy.yaml' }, env: {}, readFile: () => file };
    const loaded = loadServeSettings(sources);
    expect(loaded).toEqual({ ok: false, problems: [expect.stringMatching(/^proxy.yaml:\d+:/)] });
  });

  test('a file that cannot be read', () => {
    const loaded = loadServeSettings({
      flags: { config: 'gone.yaml' },
      env: {},
      readFile: () => {
        throw new Error('ENOENT: no such file');
      },
    });
    expect(loaded).toEqual({
      ok: false,
      problems: ['gone.yaml: cannot be read: ENOENT: no such file'],
    });
  });
});

describe('settings for serve', () => {
  const noFile = { env: {}, readFile: () => '' };

  test('have an upstream.url', () => {
    const loaded = loadServeSettings({ ...noFile, flags: { upstream: 'http://pool.example:81' } });
    expect(loaded).toMatchObject({
      ok: true,
      settings: { upstream: { url: 'http://pool.example:81', timeoutMs: 30000 } },
    });
  });

  test('without an upstream.url get a message that says how to set it, beside other problems', () => {
    expect(loadServeSettings({ ...noFile, flags: { linger: 'x' } })).toEqual({
      ok: false,
      problems: [
        '--linger: expected a number of milliseconds from 0 to 1000, found "x"',
        'upstream.url: expected the address of the pool, found nothing; give --upstream URL, UCWA_PROXY_UPSTREAM_URL, or upstream.url or pools in the file of --config FILE',
      ],
    });
  });

  test('get one message for an invalid upstream.url', () => {
    const loaded = loadServeSettings({ ...noFile, flags: { upstream: 'pool' } });
    expect(loaded).toEqual({
      ok: false,
      problems: [
        '--upstream: expected scheme and host such as https://pool.example.com (no path, query or credentials), found "pool"',
      ],
    });
  });
});
