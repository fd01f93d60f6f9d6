/** Answers with rewritten links are correct HTTP: lengths, codings, validators, redirects and challenges. */
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
} from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { startLinks as start } from '../support/linking-pool.ts';

const json = ['Content-Type', 'application/json'];
const document = (origin: string): string => `{"_links":{"user":{"href":"${origin}/user"}}}`;
const application = '/ucwa/oauth/v1/applications/1';
const bearer = ['Authorization: Bearer cwt=a'];

describe('the body', () => {
  test('may come in chunks of a byte', async () => {
    const { own, ask } = await start((_, origin) => ({
      headers: json,
      body: document(origin),
      chunked: true,
    }));
    const { head, body } = await ask('/');
    expect(body.toString()).toBe(document(own));
    expect(head).toMatch(new RegExp(`^Content-Length: ${body.length}$`, 'm'));
    expect(head).not.toMatch(/transfer-encoding/i);
  });

  test.each([
    ['gzip', gzipSync, gunzipSync],
    ['x-gzip', gzipSync, gunzipSync],
    ['deflate', deflateSync, inflateSync],
    ['deflate', deflateRawSync, inflateSync],
    ['br', brotliCompressSync, brotliDecompressSync],
  ])('keeps its coding: %s', async (coding, encode, decode) => {
    const { own, ask } = await start((_, origin) => ({
      headers: [...json, 'Content-Encoding', coding],
      body: encode(document(origin)),
    }));
    const { head, body } = await ask('/', [`Accept-Encoding: ${coding}`]);
    expect(head).toMatch(new RegExp(`^Content-Encoding: ${coding}$`, 'm'));
    expect(decode(body).toString()).toBe(document(own));
  });

  const unchanged = '{"_links":{"user":{"href":"https://elsewhere.example/"}}}';
  const long = `{"_links":{"user":{"href":"ORIGIN/user"}},"a":"${'x'.repeat(300_000)}"}`;
  test.each([
    ['of another coding', 'coding', document('ORIGIN'), ['Content-Encoding', 'zstd']],
    [
      'of a coding that it does not have',
      'coding',
      document('ORIGIN'),
      ['Content-Encoding', 'gzip'],
    ],
    ['that decompresses to too much', 'coding', gzipSync(long), ['Content-Encoding', 'gzip']],
    [
      'that is a compressed bomb',
      'coding',
      gzipSync(Buffer.alloc(50_000_000)),
      ['Content-Encoding', 'gzip'],
    ],
    ['that is too long', 'too_large', long, []],
    ['that is malformed', 'malformed', document('ORIGIN').slice(0, -1), []],
    ['without a link of the pool', undefined, unchanged, []],
    ['that is empty', undefined, '', []],
    [
      'of another charset',
      undefined,
      document('ORIGIN'),
      ['Content-Type', 'application/json;charset=utf-16'],
    ],
    ['of another type', undefined, document('ORIGIN'), ['Content-Type', 'text/html']],
  ] as const)('stays as it is, byte for byte: one %s', async (_, reason, template, fields) => {
    const bodyFor = (origin: string): Buffer =>
      typeof template === 'string' ? Buffer.from(template.replace('ORIGIN', origin)) : template;
    const type = fields[0] === 'Content-Type' ? [] : json;
    const { pool, ask, count } = await start((__, origin) => ({
      headers: [...type, ...fields, 'ETag', '"1"'],
      body: bodyFor(origin),
    }));
    const { head, body } = await ask('/');
    expect(body.equals(bodyFor(pool.url))).toBe(true);
    expect(head).toMatch(/^ETag: "1"$/m);
    expect(await count('discovery')).toBe(0);
    const counts = await Promise.all(
      ['coding', 'too_large', 'malformed'].map((kind) => count(`unchanged_${kind}`)),
    );
    const expected = ['coding', 'too_large', 'malformed'].map((kind) => (kind === reason ? 1 : 0));
    expect(counts).toEqual(expected);
  });

  test('that breaks off is not answered as a complete one', async () => {
    const { ask } = await start(() => ({
      headers: [...json, 'Content-Length', '1000'],
      body: '{"_links":{}',
      breaksOff: true,
    }));
    const { status, body } = await ask('/');
    expect(status).toBe(504);
    expect(JSON.parse(body.toString())).toMatchObject({ executed: 'unknown' });
  });
});

describe('validators and caching', () => {
  const tagged = [...json, 'ETag', '"1"', 'Accept-Ranges', 'bytes', 'Content-MD5', 'x'];

  test('a strong tag becomes weak, and the round trip of the tag gives 304', async () => {
    const { pool, ask } = await start((request, origin) =>
      request.headers['if-none-match'] === 'W/"1"'
        ? { status: 304, headers: ['ETag', '"1"'] }
        : { headers: tagged, body: document(origin) },
    );
    const first = await ask('/');
    expect(first.head).toMatch(/^ETag: W\/"1"$/m);
    expect(first.head).not.toMatch(/accept-ranges|content-md5/i);
    const second = await ask('/', ['If-None-Match: W/"1"']);
    expect(second.status).toBe(304);
    expect(second.head).toMatch(/^ETag: W\/"1"$/m);
    expect(pool.lastHeaders()['if-none-match']).toBe('W/"1"');
  });

  test('a HEAD has no length of the body that the pool would send', async () => {
    const { ask } = await start((_, origin) => ({ headers: tagged, body: document(origin) }));
    const { status, head } = await ask('/', ['Connection: close'], { method: 'HEAD' });
    expect(status).toBe(200);
    expect(head).toMatch(/^ETag: W\/"1"$/m);
    expect(head).not.toMatch(/content-length/i);
  });

  test('a client that asks for a range gets the whole document', async () => {
    const { pool, own, ask } = await start((_, origin) => ({
      headers: tagged,
      body: document(origin),
    }));
    const { status, body } = await ask('/', ['Range: bytes=0-9', 'If-Range: "1"']);
    expect([status, body.toString()]).toEqual([200, document(own)]);
    expect(pool.lastHeaders()).not.toHaveProperty('range');
    expect(pool.lastHeaders()).not.toHaveProperty('if-range');
    await ask('/other', ['Range: bytes=0-9']);
    expect(pool.lastHeaders()).toHaveProperty('range', 'bytes=0-9');
  });

  test.each([
    [undefined, 'private'],
    ['no-cache', 'no-cache, private'],
    ['public, max-age=60, s-maxage=600', 'max-age=60, private'],
    ['no-store', 'no-store'],
    ['private, max-age=60', 'private, max-age=60'],
  ])('no shared cache keeps a rewritten document: %s becomes %s', async (given, expected) => {
    const { ask } = await start((_, origin) => ({
      headers: [...json, ...(given === undefined ? [] : ['Cache-Control', given])],
      body: document(origin),
    }));
    const { head } = await ask('/');
    const values = Array.from(head.matchAll(/^Cache-Control: (.*)$/gim), ([, value]) =>
      value?.trim(),
    );
    expect(values.join(', ')).toBe(expected);
  });
});

describe('header fields', () => {
  test.each([
    ['passed through', '/redirect', []],
    ['passed through, of an application', application, bearer],
    ['sent singly', `${application}/me`, bearer],
  ])('lead to the proxy in an answer %s', async (_, target, lines) => {
    const { own, ask, count } = await start((__, origin) => ({
      status: 302,
      headers: [
        ...['Location', `${origin}/a?b=${origin}`, 'Content-Location', `${origin.toUpperCase()}/c`],
        ...[
          'X-MS-WebTicketURL',
          `${origin}/WebTicket/WebTicketService.svc`,
          'X-Other',
          `${origin}/d`,
        ],
      ],
    }));
    const { head } = await ask(target, lines);
    expect(head).toContain(`\r\nLocation: ${own}/a?b=http://127.0.0.1:`);
    expect(head).toContain(`\r\nContent-Location: ${own}/c\r\n`);
    expect(head).toContain(`\r\nX-MS-WebTicketURL: ${own}/WebTicket/WebTicketService.svc\r\n`);
    expect(head).not.toContain(`X-Other: ${own}`);
    expect([
      await count('location'),
      await count('content_location'),
      await count('web_ticket'),
    ]).toEqual([1, 1, 1]);
  });

  test.each(['/relative', 'relative', '?a=//b', 'https://elsewhere.example/'])(
    'that do not lead to the pool stay as they are: %s',
    async (location) => {
      const { ask } = await start(() => ({ status: 302, headers: ['Location', location] }));
      const { head } = await ask('/a');
      expect(head).toContain(`\r\nLocation: ${location}\r\n`);
      expect(head).not.toMatch(/cache-control/i);
    },
  );

  test('that begin with two slashes lead to the proxy', async () => {
    const { proxy, ask } = await start((_, origin) => ({
      status: 302,
      headers: ['Location', `${origin.slice('http:'.length)}/a`],
    }));
    expect((await ask('/a')).head).toContain(`\r\nLocation: //127.0.0.1:${proxy.port}/a\r\n`);
  });

  test('that redirect to the request itself stay, because the client would ask for ever', async () => {
    const { pool, ask, count } = await start((request, origin) => ({
      status: 301,
      headers: ['Location', `${origin}${request.url}`],
    }));
    expect((await ask('/a?b=c')).head).toContain(`\r\nLocation: ${pool.url}/a?b=c\r\n`);
    expect(await count('unchanged_redirect_loop')).toBe(1);
    expect(await count('location')).toBe(0);
  });
});

test('header fields of the parts of a batch lead to the proxy, by the address that the callers used', async () => {
  const { ask, proxy } = await start(
    (request, origin) => {
      const part =
        '\r\n--b\r\nContent-Type: application/http; msgtype=response\r\n\r\nHTTP/1.1 401 Unauthorized\r\n' +
        `WWW-Authenticate: MsRtcOAuth href="${origin}/t"\r\nContent-Location: ${origin}/c\r\n\r\n`;
      return request.url?.endsWith('/batch') === true
        ? {
            headers: ['Content-Type', 'multipart/batching; boundary="b"'],
            body: `${part}${part}\r\n--b--\r\n`,
          }
        : { status: 500 };
    },
    {
      UCWA_PROXY_BATCHING_MODE: 'fixed',
      UCWA_PROXY_BATCHING_MAX_PARTS: '2',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
    },
  );
  const host = `localhost:${proxy.port}`;
  const heads = await Promise.all([
    ask(`${application}/me`, bearer, { host }),
    ask(`${application}/people`, bearer, { host }),
  ]);
  for (const { head } of heads) {
    expect(head).toContain(`\r\nWWW-Authenticate: MsRtcOAuth href="http://${host}/t"\r\n`);
    expect(head).toContain(`\r\nContent-Location: http://${host}/c\r\n`);
  }
  expect((await proxy.metrics()).get('ucwa_proxy_batches_total{flush_reason="parts"}')).toBe(1);
});

describe('a challenge', () => {
  const grant = 'grant_type="urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting,password"';
  const bearerChallenge = 'Bearer trusted_issuers="a@b", client_id="http://127.0.0.1:1/"';

  test.each([
    ['of its own', [bearerChallenge, `MsRtcOAuth href="ORIGIN/WebTicket/oauthtoken",${grant}`]],
    [
      'in one field with others',
      [`${bearerChallenge}, MsRtcOAuth href="ORIGIN/t", ${grant}, Basic realm="x, href=y"`],
    ],
    ['in front of others', [`msrtcoauth  ${grant} , HREF = "ORIGIN/t" , ${bearerChallenge}`]],
    ['without quotes', [`MsRtcOAuth href=ORIGIN/t,${grant}`]],
    ['twice', [`MsRtcOAuth href="ORIGIN/t", MsRtcOAuth ${grant}, href="ORIGIN/u"`]],
  ])(
    'that stands in a field %s leads to the proxy, and nothing else changes',
    async (_, fields) => {
      const { own, ask } = await start((__, origin) => ({
        status: 401,
        headers: fields.flatMap((field) => [
          'WWW-Authenticate',
          field.replaceAll('ORIGIN', origin),
        ]),
      }));
      for (const [target, lines] of [
        ['/', []],
        [`${application}/me`, bearer],
      ] as const) {
        const { head } = await ask(target, lines);
        expect(
          Array.from(head.matchAll(/^WWW-Authenticate: (.*)\r$/gm), ([, value]) => value),
        ).toEqual(fields.map((field) => field.replaceAll('ORIGIN', own)));
      }
    },
  );

  test('of another scheme stays as it is', async () => {
    const { pool, ask } = await start((_, origin) => ({
      status: 401,
      headers: [
        'WWW-Authenticate',
        `Bearer href="${origin}/t", Basic realm="MsRtcOAuth href=${origin}"`,
      ],
    }));
    expect((await ask('/')).head).toContain(`href="${pool.url}/t"`);
  });
});
