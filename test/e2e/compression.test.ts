/** Clients that accept gzip or br get it, by every way, and get exactly the pool's bytes after decoding. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Asked, decoded, field, request } from '../support/coding-client.ts';
import { json, jsonOf, type PoolAnswer, startCodingPool } from '../support/coding-pool.ts';
import { startProxy } from '../support/proxy.ts';
import { type RawAnswer, RawClient } from '../support/raw-client.ts';
import { type ScriptedPool, startScriptedPool } from '../support/scripted-pool.ts';
import { app } from '../support/ucwa-client.ts';

const fixed = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '2',
};
const contacts = `${app}/people/contacts`;
const long = jsonOf(5000);
const huge = jsonOf(700_000);

let pool: ScriptedPool;
let answers: (target: string, head: string) => PoolAnswer;
beforeEach(async () => {
  answers = () => ({ body: long });
  pool = await startCodingPool((target, head) => answers(target, head));
});

async function ask(target: string, asked: Asked, env = {}): Promise<RawAnswer> {
  const proxy = await startProxy(pool.url, env);
  const client = new RawClient(proxy.port);
  client.send(request(target, asked));
  return client.readAnswer();
}

async function askTwo(targets: readonly [string, string], asked: Asked): Promise<RawAnswer[]> {
  const proxy = await startProxy(pool.url, fixed);
  const client = new RawClient(proxy.port);
  client.send(targets.map((target) => request(target, asked)).join(''));
  const both = [await client.readAnswer(), await client.readAnswer()];
  expect(pool.requests).toHaveLength(1);
  return both;
}

const ways = [
  ['batched', 'GET', contacts, fixed],
  ['single', 'GET', contacts, {}],
  ['passed through', 'GET', '/ucwa/oauth/v1/applications/1045/photos/a', {}],
  ['of discovery', 'GET', '/', {}],
  ['to a poll', 'GET', `${app}/events?ack=1`, {}],
] as const;

describe('an answer', () => {
  describe.each(ways)('%s', (_, method, target, env) => {
    const both = async (asked: Asked): Promise<RawAnswer> =>
      env === fixed
        ? ((await askTwo([target, `${app}/me`], asked))[0] as RawAnswer)
        : ask(target, { method, ...asked }, env);

    test.each(['gzip', 'x-gzip', 'gzip, deflate, br', 'br;q=0.5, gzip;q=0.4', '*'])(
      'is coded for a client that accepts %s',
      async (accept) => {
        answers = () => ({ fields: `${json}ETag: "1"\r\nVary: Origin\r\n`, body: long });
        const answer = await both({ accept });
        expect(field(answer, 'content-encoding')).toBe(
          accept.startsWith('b') || accept.includes(' br') ? 'br' : 'gzip',
        );
        expect(decoded(answer)).toBe(long);
        expect(answer.body.length).toBeLessThan(long.length / 3);
        expect(field(answer, 'content-length')).toBe(String(answer.body.length));
        expect(field(answer, 'etag')).toBe('W/"1"');
        expect(field(answer, 'vary')).toBe('Origin, Accept-Encoding');
        expect(answer.head.match(/^content-encoding:/gim)).toHaveLength(1);
        expect(field(answer, 'transfer-encoding')).toBeUndefined();
      },
    );

    test.each([undefined, 'identity', 'gzip;q=0', '*;q=0', 'deflate'])(
      'keeps its bytes for a client that accepts %p',
      async (accept) => {
        answers = () => ({ fields: `${json}ETag: "1"\r\n`, body: long });
        const answer = await both(accept === undefined ? {} : { accept });
        expect(answer.body.toString()).toBe(long);
        expect(field(answer, 'content-encoding')).toBeUndefined();
        expect(field(answer, 'vary')).toBeUndefined();
        expect(field(answer, 'etag')).toBe('"1"');
      },
    );

    test.each([
      ['of 1 KiB', { body: 'x'.repeat(1024) }],
      ['that the pool has coded', { fields: `${json}Content-Encoding: zstd\r\n`, body: long }],
      ['with no-transform', { fields: `${json}Cache-Control: no-transform\r\n`, body: long }],
      ['of a photo', { fields: 'Content-Type: image/jpeg\r\n', body: long }],
      [
        'of a part',
        {
          status: '206 Partial Content',
          fields: `${json}Content-Range: bytes 0-9/99\r\n`,
          body: long,
        },
      ],
    ])('keeps its bytes: one %s', async (__, given) => {
      answers = () => given;
      const answer = await both({ accept: 'gzip' });
      expect(answer.body.toString()).toBe(given.body);
      const own = 'fields' in given && given.fields.includes('zstd') ? 'zstd' : undefined;
      expect(field(answer, 'content-encoding')).toBe(own);
    });

    test('is coded above 1 KiB, and for a client that refuses other bytes even below', async () => {
      answers = () => ({ body: `"${'x'.repeat(1023)}"` });
      expect(field(await both({ accept: 'gzip' }), 'content-encoding')).toBe('gzip');
      pool = await startCodingPool((...asked) => answers(...asked));
      answers = () => ({ body: `"${'x'.repeat(100)}"` });
      const refusing = { accept: 'gzip, identity;q=0' };
      expect(field(await both(refusing), 'content-encoding')).toBe('gzip');
    });

    test('of hundreds of KiB is coded', async () => {
      answers = () => ({ body: huge });
      for (const accept of ['gzip', 'gzip, br']) {
        pool = await startCodingPool((...asked) => answers(...asked));
        const answer = await both({ accept });
        expect(decoded(answer)).toBe(huge);
        expect(answer.body.length).toBeLessThan(huge.length / 5);
      }
    });
  });
});

test('an answer that no coding shortens keeps its bytes', async () => {
  const random = Array.from({ length: 2000 }, (_, i) =>
    String.fromCharCode(33 + ((i * i * 7919 + i * 104_729) % 94)),
  );
  answers = () => ({
    fields: 'Content-Type: text/plain\r\n',
    body: Buffer.from(random.join(''), 'latin1'),
  });
  const answer = await ask(contacts, { accept: 'gzip' });
  expect(decoded(answer)).toBe(random.join(''));
});

test('listen.compress: off turns all of it off', async () => {
  const env = { UCWA_PROXY_LISTEN_COMPRESS: 'off' };
  const fields = 'If-Match: W/"1"\r\n';
  const answer = await ask(contacts, { accept: 'gzip', fields }, env);
  expect(answer.body.toString()).toBe(long);
  expect(pool.requests[0]).toContain('If-Match: W/"1"');
});

test('a client of HTTP/1.0 gets no coded answer, because it could not see that a stream is truncated', async () => {
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  client.send(request(contacts, { accept: 'gzip' }).replace('HTTP/1.1', 'HTTP/1.0'));
  expect((await client.readAnswer()).body.toString()).toBe(long);
});

test('HEAD has the fields of GET, and no body', async () => {
  answers = () => ({ fields: `${json}ETag: "1"\r\n`, body: long });
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  client.send(request('/', { accept: 'gzip' }));
  const got = await client.readAnswer();
  const headOnly = new RawClient(proxy.port);
  headOnly.send(request('/', { accept: 'gzip', method: 'HEAD', fields: 'Connection: close\r\n' }));
  const head = await headOnly.readAll();
  for (const name of ['content-encoding', 'etag', 'vary', 'content-type']) {
    const inHead = new RegExp(`^${name}: (.*)\r$`, 'im').exec(head)?.[1];
    expect([name, inHead]).toEqual([name, field(got, name)]);
  }
  expect(head).not.toMatch(/^(?:content-length|transfer-encoding):/im);
  expect(head.split('\r\n\r\n')[1]).toBe('');
});

describe('validators', () => {
  /** Compares tags as RFC 9110 section 8.8.3.2 says. */
  const conditional = (_: string, head: string): PoolAnswer => {
    const match = /^If-Match: (.*)\r?$/im.exec(head)?.[1];
    if (match !== undefined && match !== '"1"') return { status: '412 Precondition Failed' };
    const none = /^If-None-Match: (.*)\r?$/im.exec(head)?.[1]?.replace('W/', '');
    return none === '"1"'
      ? { status: '304 Not Modified', fields: 'ETag: "1"\r\n' }
      : { fields: `${json}ETag: "1"\r\n`, body: long };
  };

  test.each([contacts, '/'])(
    'the weak tag of a coded answer matches at the pool: %s',
    async (target) => {
      answers = conditional;
      const proxy = await startProxy(pool.url);
      const client = new RawClient(proxy.port);
      client.send(request(target, { accept: 'gzip' }));
      const tag = field(await client.readAnswer(), 'etag') ?? '';
      client.send(request(target, { accept: 'gzip', fields: `If-None-Match: ${tag}\r\n` }));
      const answer = await client.readAnswer();
      expect([answer.status, field(answer, 'etag')]).toEqual([304, tag]);
      expect(field(answer, 'content-encoding')).toBeUndefined();
      client.send(request(target, { accept: 'gzip', fields: 'If-None-Match: "1"\r\n' }));
      // Links of discovery are rewritten, which makes every tag weak.
      const same = target === '/' ? tag : '"1"';
      expect(field(await client.readAnswer(), 'etag')).toBe(same);
    },
  );

  test.each([contacts, `${app}/photos/a`])(
    'a write with the tag of a coded answer is not refused: %s',
    async (target) => {
      answers = conditional;
      const write = {
        accept: 'gzip',
        method: 'PUT',
        body: '{}',
        fields: `${json}If-Match: W/"1"\r\n`,
      };
      expect((await ask(target, write)).status).toBe(200);
    },
  );
});

describe('the proxy codes no answer', () => {
  test.each([
    '/webticket/oauthtoken',
    '/WebTicket/%6Fauthtoken',
    '/webticket/webticketservice.svc/mex',
  ])('of the token service: %s', async (target) => {
    const answer = await ask(target, { accept: 'gzip, br', method: 'POST', body: 'a=b' });
    expect(answer.body.toString()).toBe(long);
    expect(field(answer, 'content-encoding')).toBeUndefined();
  });
});

test('a pipelined answer that is coded outside of the event loop keeps its place', async () => {
  answers = (target) => ({ body: target === contacts ? huge : long });
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  const targets = [contacts, `${app}/me`, contacts, '/'];
  client.send(targets.map((target) => request(target, { accept: 'gzip' })).join(''));
  for (const target of targets) {
    expect(decoded(await client.readAnswer())).toBe(target === contacts ? huge : long);
  }
});

test('a client that reads gets a long answer that cannot be paused, although there is no room for encoders', async () => {
  const body = jsonOf(20_000_000);
  const closing = await startScriptedPool((_request, socket) => {
    socket.end(`HTTP/1.1 200 OK\r\n${json}\r\n${body}`);
  });
  const proxy = await startProxy(closing.url, {
    UCWA_PROXY_LIMITS_MAX_BUFFERED_RESPONSE_BYTES: '600000',
    UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '600000',
    UCWA_PROXY_BATCHING_MODE: 'off',
  });
  const client = new RawClient(proxy.port);
  client.send(request(`${app}/me`, { accept: 'gzip' }));
  const answer = await client.readAnswer();
  expect(field(answer, 'content-encoding')).toBe('gzip');
  expect(decoded(answer) === body).toBe(true);
});
