import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { classify, pathPatterns } from '../../../src/core/ucwa/classify.ts';
import { callClassOf } from '../../../src/core/ucwa/call-class.ts';
import { aHead, bearer } from '../../support/heads.ts';

interface Resource {
  readonly rel: string;
  readonly methods: readonly string[];
  readonly path: string | null;
  readonly batchable: boolean | null;
  readonly operation: boolean;
}

const resources = JSON.parse(
  readFileSync(new URL('../../fixtures/ucwa/resources.json', import.meta.url), 'utf8'),
) as Resource[];

/** Applications of an earlier call; `classify` must return the same result with each of them. */
const likelyApplications = ['104209230921', '1042', 'a'].flatMap((id) => [
  `/ucwa/oauth/v1/applications/${id}`,
  `/ucwa/v1/applications/${id}`,
]);

function classified(method: string, target: string, fields?: readonly string[]): string {
  const { head, facts } = aHead(method, target, fields);
  const rules = { maxCallBytes: 1000, never: pathPatterns(['people/find', 'a/*/b', '/x/**']) };
  const result = classify(head, target, facts, rules);
  for (const likely of likelyApplications) {
    expect(classify(head, target, facts, rules, likely)).toEqual(result);
  }
  return result.kind === 'batchable' ? `batch at ${result.applicationPath}` : result.reason;
}

const values: Record<string, string> = {
  '{applicationId}': '104209230921',
  '{id}': '1f2e7b6c-6b5e-4e4c-9a55-0f3f7f3f1f3e',
  '{sip}': 'dana.b@domain.com',
  '{n}': '12',
  '{value}': 'abc',
};
const rows = resources.flatMap(({ rel, methods, path, batchable }) =>
  path === null
    ? []
    : methods.map((method) => ({
        rel,
        method,
        batchable: batchable === true,
        path: path.replace(/\{\w+\}/g, (name) => values[name] ?? name),
      })),
);

describe('classify, over every resource of UCWA', () => {
  test('the table holds every method of every resource that has a path', () => {
    expect(rows.length).toBeGreaterThan(250);
  });

  const families = [
    { prefix: '/ucwa/oauth/v1/', credential: ['Authorization', bearer] },
    { prefix: '/ucwa/v1/', credential: ['X-MS-WebTicket', 'opaque=PHNhbWw='] },
  ];
  const accepts = ['application/json', 'application/vnd.microsoft.com.ucwa+xml'];
  for (const { prefix, credential } of families) {
    for (const accept of accepts) {
      test(`only batchable calls are batched: ${prefix}, ${accept}`, () => {
        const wrong = rows.flatMap(({ rel, method, path, batchable }) => {
          const target = path.replace(/^\/ucwa\/(?:oauth\/)?v1\//, prefix);
          const result = classified(method, target, [...credential, 'Accept', accept]);
          const isBatched = result === `batch at ${prefix}applications/104209230921`;
          const isApplication = /\/applications\/\d+$/.test(target);
          const expected = batchable && method !== 'OPTIONS' && !isApplication;
          return isBatched === expected ? [] : [`${rel} ${method} ${target}: ${result}`];
        });
        expect(wrong).toEqual([]);
      });
    }
  }
});

const app = '/ucwa/oauth/v1/applications/1045';

describe('classify', () => {
  test.each([
    [`${app}/me`],
    [`${app}/people/dana.b@domain.com/presence`],
    [`${app}/people/sip:dana@domain.com`],
    [`${app}/people/groups/aGVsbG8%3d=`],
    [`${app}/people/search?query=sip:person@company.com&limit=10`],
    [`${app}/me?x=%C3%A9%00`],
    [`${app}/me?`],
    ['/UCWA/OAuth/V1/Applications/1045/ME'],
  ])('a plain GET below an application may be batched: %s', (target) => {
    expect(classified('GET', target)).toBe(`batch at ${target.slice(0, app.length)}`);
  });

  test.each([
    ['/', 'outside'],
    ['/ucwa/oauth/v1/applications', 'outside'],
    ['/ucwa/oauth/v1/applications/', 'outside'],
    ['/ucwa/v2/applications/1/me', 'outside'],
    ['/x/ucwa/v1/applications/1/me', 'outside'],
    ['/ucwa/v1/applications/1.5/me', 'outside'],
    ['/autodiscover/autodiscoverservice.svc/root', 'outside'],
    ['//ucwa/v1/applications/1/me', 'target'],
    ['///ucwa/v1/applications/1/me', 'target'],
    ['//ucwa/v1/applications/1/events?ack=1', 'events'],
    ['//ucwa/v1/applications/1/batch', 'batch'],
    ['//ucwa/v1/applications/1', 'application'],
    ['//autodiscover/autodiscoverservice.svc/root', 'outside'],
    ['/a//ucwa/v1/applications/1/me', 'outside'],
    [app, 'application'],
    [`${app}/`, 'application'],
    [`${app}?instanceId=1`, 'application'],
    [`${app}/events?ack=1`, 'events'],
    [`${app}/EVENTS?ack=1`, 'events'],
    [`${app}/%65vents?ack=1`, 'events'],
    [`${app}/%2565vents`, 'events'],
    [`${app}/batch`, 'batch'],
    [`${app}/Batch;x`, 'batch'],
    [`${app}/%62atch`, 'batch'],
    [`${app}/batch.`, 'batch'],
    [`${app}/batch%20`, 'batch'],
    [`${app}/photos/dana@domain.com`, 'photos'],
    [`${app}/people/dana/contactPhoto`, 'photos'],
    [`${app}/people/dana/contactphot%6f?x=1`, 'photos'],
    [`${app}/photo`, 'photos'],
  ])('%s passes through as %s', (target, reason) => {
    expect(classified('GET', target)).toBe(reason);
  });

  test.each([
    [`${app}/me/`],
    [`${app}//me`],
    [`${app}/./batch`],
    [`${app}/../1046/me`],
    [`${app}/me/..`],
    [`${app}/%2e%2e/me`],
    [`${app}/me%2fnote`],
    [`${app}/me%5cnote`],
    [`${app}/me%00`],
    [`${app}/me%0d%0aX:y`],
    [`${app}/me%252e`],
    [`${app}/me%3fbatch`],
    [`${app}/me%23`],
    [`${app}/me;v=1`],
    [`${app}/me%3b`],
    [`${app}/people/Jos%C3%A9`],
    [`${app}/people/%c0%af`],
    [`${app}/me%`],
    [`${app}/me%2`],
    [`${app}/note.`],
    [`${app}/note%20`],
    [`${app}/..::$DATA`],
    [`${app}/x/.%3ay`],
    [`${app}/:x`],
    [`${app}/note%20:x`],
    [`${app}/me?a=%zz`],
    [`${app}/me?a=b|c`],
    [`${app}/me?a="b"`],
    [`${app}/me?a\\b`],
  ])('a target that decoders may read differently passes through: %s', (target) => {
    expect(classified('GET', target)).toBe('target');
  });

  test.each(['HEAD', 'OPTIONS', 'PATCH', 'get', 'Post'])('%s passes through', (method) => {
    expect(classified(method, `${app}/me`)).toBe('method');
  });

  test.each<[string, readonly string[], string]>([
    ['no credential', [], 'credentials'],
    ['an empty credential', ['Authorization', ''], 'credentials'],
    ['only a cookie', ['Cookie', 'cwt_ucwa=x'], 'credentials'],
    ['a range', ['Authorization', bearer, 'Range', 'bytes=0-1'], 'headers'],
    ['an upgrade', ['Authorization', bearer, 'Upgrade', 'h2c'], 'headers'],
    ['a method override', ['Authorization', bearer, 'X-HTTP-Method-Override', 'PUT'], 'headers'],
    ['two cookies', ['Authorization', bearer, 'Cookie', 'a', 'cookie', 'b'], 'headers'],
    ['two origins', ['Authorization', bearer, 'Origin', 'a', 'Origin', 'b'], 'headers'],
    [
      'two app origins',
      ['Authorization', bearer, 'X-Ms-Origin', 'a', 'X-Ms-Origin', 'b'],
      'headers',
    ],
    ['a body', ['Authorization', bearer, 'Content-Length', '2'], 'body'],
    ['a chunked body', ['Authorization', bearer, 'Transfer-Encoding', 'chunked'], 'body'],
  ])('a GET with %s passes through', (_what, fields, reason) => {
    expect(classified('GET', `${app}/me`, fields)).toBe(reason);
  });

  test('a GET with Content-Length: 0 may be batched', () => {
    expect(classified('GET', `${app}/me`, ['Authorization', bearer, 'Content-Length', '0'])).toBe(
      `batch at ${app}`,
    );
  });

  test('a method override in the query passes through', () => {
    expect(classified('GET', `${app}/me?a=b&_method=PUT`)).toBe('headers');
  });

  const post = ['Authorization', bearer, 'Content-Type', 'application/json'];
  test.each<[string, string, readonly string[], string]>([
    ['POST', 'without a body', ['Authorization', bearer], `batch at ${app}`],
    ['POST', 'with a small body', [...post, 'Content-Length', '1000'], `batch at ${app}`],
    ['PUT', 'with a small body', [...post, 'Content-Length', '31'], `batch at ${app}`],
    ['DELETE', 'without a body', ['Authorization', bearer], `batch at ${app}`],
    ['DELETE', 'with a body', [...post, 'Content-Length', '3'], 'body'],
    ['POST', 'with too large a body', [...post, 'Content-Length', '1001'], 'body'],
    ['POST', 'with a chunked body', [...post, 'Transfer-Encoding', 'chunked'], 'body'],
    [
      'POST',
      'with an encoded body',
      [...post, 'Content-Length', '3', 'Content-Encoding', 'gzip'],
      'body',
    ],
    [
      'POST',
      'with a batch',
      [
        'Authorization',
        bearer,
        'Content-Length',
        '3',
        'Content-Type',
        'multipart/batching; boundary=b',
      ],
      'body',
    ],
    [
      'POST',
      'with an HTTP message',
      ['Authorization', bearer, 'Content-Length', '3', 'Content-Type', 'Application/HTTP'],
      'body',
    ],
  ])('%s %s is classified correctly', (method, _what, fields, expected) => {
    expect(classified(method, `${app}/me/note`, fields)).toBe(expected);
  });

  test('a header of the client or a path pattern keeps a call out of batches', () => {
    expect(classified('GET', `${app}/me`, ['Authorization', bearer, 'X-Ucwa-Batch', 'Never'])).toBe(
      'opt_out',
    );
    expect(
      classified('GET', `${app}/me`, ['Authorization', bearer, 'X-Ucwa-Batch', 'explain']),
    ).toBe(`batch at ${app}`);
    for (const path of ['people/find?q=1', 'People/Find', 'a/1/b', 'x/1/2']) {
      expect([path, classified('GET', `${app}/${path}`)]).toEqual([path, 'opt_out']);
    }
    for (const path of ['people/search', 'a/1/2/b', 'y/x/1']) {
      expect([path, classified('GET', `${app}/${path}`)]).toEqual([path, `batch at ${app}`]);
    }
  });
});

describe('callClassOf', () => {
  const isOperation = (...call: Parameters<typeof callClassOf>): boolean =>
    callClassOf(...call) === 'operation';
  const none = Buffer.alloc(0);

  test('returns operation for a POST to a starter of UCWA, and for no other call', () => {
    const starters = resources.filter(({ operation }) => operation).map(({ rel }) => rel);
    expect(starters.length).toBe(33);
    const wrong = rows.filter(({ rel, method, path }) => {
      const expected = method === 'POST' && starters.includes(rel);
      const resource = path.split('?')[0]?.toLowerCase() ?? '';
      return isOperation(method, path, resource, none) !== expected;
    });
    expect(wrong).toEqual([]);
  });

  test.each([
    ['/a?operationId=1', ''],
    ['/a?OperationContext=1', ''],
    ['/a', '{"operationId":"1"}'],
    ['/a', '<property name="operationContext">1</property>'],
  ])('returns operation for a POST with an operation id: %s %s', (target, body) => {
    expect(isOperation('POST', target, '/a', Buffer.from(body))).toBe(true);
    expect(isOperation('PUT', target, '/a', Buffer.from(body))).toBe(false);
  });

  test('returns unsafe for another POST, and safe for a GET', () => {
    const note = ['/a/me/note', '/a/me/note', Buffer.from('{"message":"x"}')] as const;
    expect(callClassOf('POST', ...note)).toBe('unsafe');
    expect(callClassOf('GET', ...note)).toBe('safe');
  });
});

test.each([
  [16_000, 'batch at /ucwa/oauth/v1/applications/1'],
  [16_500, 'headers'],
  [60_000, 'headers'],
])('a call with a head of about %s bytes: %s', (bytes, expected) => {
  const fields = ['Host', 'p', 'Authorization', bearer, 'X-Padding', 'x'.repeat(bytes - 200)];
  expect(classified('GET', '/ucwa/oauth/v1/applications/1/me', fields)).toBe(expected);
});
