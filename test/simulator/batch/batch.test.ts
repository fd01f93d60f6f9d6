import net from 'node:net';
import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  batchRequest,
  batchText,
  boundary,
  get,
  messagesIn,
  part,
  post,
  statusesIn,
} from './batch-text.ts';
import { bearer, exchangeRaw, requestText, send } from '../http-client.ts';
import { base, batchUrl, pool, startOther } from '../each-pool.ts';

describe('the answer to a batch', () => {
  test('has the form of a real answer, byte for byte', async () => {
    const body = batchText([
      get(`${base}/me/presence`),
      get(`${base}/me/note`),
      post(`${base}/me/note`, '{"message": "hello ucwa"}'),
    ]);
    const { received } = await exchangeRaw(
      pool.port,
      requestText(
        'POST',
        `${base}/batch`,
        { 'Content-Type': `multipart/batching;boundary=${boundary}`, ...bearer('ann') },
        body,
      ),
    );

    const [head = '', ...rest] = received.toString().split('\r\n\r\n');
    const answered = rest.join('\r\n\r\n');
    const fresh = /^--([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\r\n/.exec(answered)?.[1] ?? '';
    const expected = [
      `--${fresh}`,
      'Content-Type: application/http; msgtype=response',
      '',
      'HTTP/1.1 200 OK',
      'Cache-Control: no-cache',
      'Content-Type: application/json; charset=utf-8',
      '',
      '\ufeff{"availability":"Online","_links":{"self":{"href":"/ucwa/oauth/v1/applications/104/me/presence"}},"rel":"presence"}',
      `--${fresh}`,
      'Content-Type: application/http; msgtype=response',
      '',
      'HTTP/1.1 200 OK',
      'Cache-Control: no-cache',
      'Content-Type: application/json; charset=utf-8',
      '',
      '{"message":"","type":"Personal","_links":{"self":{"href":"/ucwa/oauth/v1/applications/104/me/note"}},"rel":"note"}',
      `--${fresh}`,
      'Content-Type: application/http; msgtype=response',
      '',
      'HTTP/1.1 204 No Content',
      'Cache-Control: no-cache',
      '',
      '',
      `--${fresh}--`,
      '',
    ].join('\r\n');
    expect(answered).toBe(expected);
    expect(fresh).not.toBe(boundary);
    const lines = head.split('\r\n');
    const date = lines.find((line) => line.startsWith('Date: '));
    expect(lines).toEqual([
      'HTTP/1.1 200 OK',
      `Content-Type: multipart/batching; boundary="${fresh}"`,
      `Content-Length: ${Buffer.byteLength(expected)}`,
      'Cache-Control: no-cache',
      'Pragma: no-cache',
      'Expires: -1',
      'Server: Microsoft-IIS/8.0',
      'X-AspNet-Version: 4.0.30319',
      'X-MS-Server-Fqdn: fe01.pool.example',
      'X-Powered-By: ASP.NET',
      date,
      'Connection: close',
    ]);
  });

  test('has a new boundary each time', async () => {
    const answers = await Promise.all(
      [1, 2].map(() => send(batchUrl, batchRequest('ann', [get(`${base}/me`)]))),
    );
    const types = answers.map(({ headers }) => headers['content-type']);
    expect(new Set(types).size).toBe(2);
  });

  test('has a byte order mark before the first JSON body only, at any position', async () => {
    const parts = [post(`${base}/me/note`, '{}'), get(`${base}/me`), get(`${base}/me`)];
    const messages = messagesIn(await send(batchUrl, batchRequest('ann', parts)));
    expect(messages.map((message) => message.includes('\ufeff'))).toEqual([false, true, false]);
  });

  test('is compressed only if the client accepts gzip', async () => {
    const request = (headers: Record<string, string>) =>
      send(batchUrl, batchRequest('ann', [get(`${base}/me`)], headers));
    const compressed = await request({ 'Accept-Encoding': 'deflate, gzip' });
    expect(compressed.headers).toMatchObject({
      'content-encoding': 'gzip',
      'transfer-encoding': 'chunked',
    });
    expect(statusesIn({ ...compressed, body: gunzipSync(compressed.body) })).toEqual([200]);
    for (const refusal of [
      {},
      { 'Accept-Encoding': 'identity' },
      { 'Accept-Encoding': 'gzip;q=0' },
    ]) {
      expect((await request(refusal)).headers).not.toHaveProperty('content-encoding');
    }
  });

  test('has the media type that each part accepts', async () => {
    const xml = part([`GET ${base}/me HTTP/1.1`, 'Host: pool.test', 'Accept: application/xml']);
    const messages = messagesIn(
      await send(batchUrl, batchRequest('ann', [xml, get(`${base}/me`), get(`${base}/nothing`)])),
    );
    expect(messages[0]).toContain('Content-Type: application/xml; charset=utf-8\r\n\r\n<?xml');
    expect(messages[1]).toContain('Content-Type: application/json; charset=utf-8\r\n\r\n\ufeff{');
    expect(messages[2]).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[^]*\{"code":"NotFound","message":"/);
  });

  test('contains Location and ETag of a part', async () => {
    const parts = [
      post(`${base}/communication/messagingInvitations`, '{"to":"sip:b@pool.example"}'),
      get(`${base}/me/callForwardingSettings`),
    ];
    const [invited, settings] = messagesIn(await send(batchUrl, batchRequest('ann', parts)));
    expect(invited).toMatch(
      /^HTTP\/1\.1 201 Created\r\nCache-Control: no-cache\r\nLocation: \/ucwa\/oauth\/v1\/applications\/104\/communication\/messagingInvitations\/[0-9a-f-]{36}\r\n\r\n$/,
    );
    expect(settings).toMatch(/\r\nETag: "\d{9}"\r\n/);
  });
});

describe('the parts of a batch', () => {
  test('run at the same time, and the answer waits for the slowest part', async () => {
    const slow = (route: string) => (route === 'people/search' ? 120 : 60);
    await startOther({ latency: slow, applications: 'any' });
    const parts = [
      get(`${base}/people/search?query=x`),
      ...Array<string>(9).fill(get(`${base}/me`)),
    ];
    const before = performance.now();
    await send(`${pool.url}${base}/batch`, batchRequest('ann', parts));
    const tookMs = performance.now() - before;
    expect(tookMs).toBeGreaterThan(115);
    expect(tookMs).toBeLessThan(400);
    expect(
      pool.ledger
        .entries()
        .map(({ position }) => position)
        .at(-1),
    ).toBe(0);
  });

  test('are in the ledger with their position and the unchanged request', async () => {
    const body = '{"message":"x"}';
    const parts = [get(`${base}/me?nonce=n1`), post(`${base}/me/note?nonce=n2`, body)];
    await send(batchUrl, batchRequest('ann', parts));
    const [request] = pool.ledger.requests();
    const common = {
      user: 'ann',
      credential: 'bearer',
      application: '104',
      via: 'batch',
      batchId: request!.id,
    };
    expect(pool.ledger.executions('n1')).toMatchObject([
      { ...common, method: 'GET', target: `${base}/me?nonce=n1`, position: 0, status: 200 },
    ]);
    expect(pool.ledger.executions('n2')).toMatchObject([{ ...common, position: 1, status: 204 }]);
    expect(request!.body.toString()).toBe(batchText(parts));
    expect(request!.parts[1]).toMatchObject({
      mimeHead: 'Content-Type: application/http; msgtype=request',
      head: `POST ${base}/me/note?nonce=n2 HTTP/1.1\r\nHost: pool.test\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: 15`,
      method: 'POST',
      body: Buffer.from(body),
    });
    expect(pool.stats()).toMatchObject({
      requests: 1,
      batches: 1,
      parts: 2,
      singles: 0,
      refusedParts: 0,
    });
  });

  const outsider = part([`GET ${base}/me HTTP/1.1`, 'Accept: */*']);
  const withToken = part([`GET ${base}/me HTTP/1.1`, 'Host: pool.test', 'Authorization: Bearer x']);
  const refused: ReadonlyArray<[string, string, number]> = [
    ['without a Host', outsider, 400],
    ['with a credential of its own', withToken, 400],
    ['in absolute-form', get(`http://pool.test${base}/me`), 400],
    ['for another application', get('/ucwa/oauth/v1/applications/105/me'), 403],
    ['for the other URL family', get('/ucwa/v1/applications/104/me'), 403],
    ['outside any application', get('/autodiscover/autodiscoverservice.svc/root'), 403],
    ['that is a batch', post(`${base}/batch`, 'x'), 403],
    ['that polls events', get(`${base}/EVENTS?ack=1`), 403],
    ['for a photo', get(`${base}/%70hotos/a@pool.example`), 403],
  ];
  test.each(refused)('%s are refused alone and do not run', async (_, bad, status) => {
    const answer = await send(
      batchUrl,
      batchRequest('ann', [get(`${base}/me`), bad, get(`${base}/me`)]),
    );
    expect(statusesIn(answer)).toEqual([200, status, 200]);
    expect(pool.stats().refusedParts).toBe(1);
    expect(pool.ledger.entries().map(({ position }) => position)).toEqual([0, 2]);
  });
});

describe('a whole batch is refused', () => {
  test('with 415 if it is not of type multipart/batching', async () => {
    const answer = await send(
      batchUrl,
      batchRequest('ann', [get(`${base}/me`)], { 'Content-Type': 'multipart/mixed;boundary=x' }),
    );
    expect(answer.status).toBe(415);
  });

  test('with 400 if it cannot be parsed, and no part runs', async () => {
    const answer = await send(batchUrl, batchRequest('ann', [get(`${base}/me`), 'nonsense']));
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      code: 'BadRequest',
      subcode: 'DeserializationFailure',
      message: 'part 1 has no blank line after its head',
    });
    expect(pool.ledger.entries()).toEqual([]);
  });

  test('with 401 without a valid credential, and with 404 for an application of another user', async () => {
    const bad = await send(
      batchUrl,
      batchRequest('ann', [get(`${base}/me`)], { Authorization: 'Bearer nonsense' }),
    );
    expect([bad.status, bad.headers['content-type']]).toEqual([401, 'text/html']);
    await send(`${pool.url}${base}/me`, { headers: bearer('ann') });
    const foreign = await send(batchUrl, batchRequest('bob', [get(`${base}/me`)]));
    expect(foreign.status).toBe(404);
    expect(foreign.body.toString()).toContain('"subcode":"ApplicationNotFound"');
    expect(pool.ledger.entries()).toHaveLength(1);
  });
});

describe('with streamParts', () => {
  beforeEach(async () => {
    await startOther({ latency: 0, applications: 'any', streamParts: true });
  });

  test('a part arrives before a later part is done', async () => {
    pool.faults.add({ on: { kind: 'part', target: `${base}/policies` }, fault: { kind: 'hang' } });
    const parts = [get(`${base}/me`), get(`${base}/policies`), get(`${base}/me`)];
    const socket = net.connect(pool.port, '127.0.0.1');
    const type = { 'Content-Type': `multipart/batching;boundary=${boundary}` };
    const headers = { ...type, ...bearer('ann') };
    socket.write(requestText('POST', `${base}/batch`, headers, batchText(parts)));
    let received = '';
    for await (const chunk of socket) {
      received += String(chunk);
      if (/\r\n\r\n\ufeff\{.*"rel":"me"\}\r\n--[0-9a-f-]{36}\r\n/.test(received)) break;
    }
    expect(received).toContain('Transfer-Encoding: chunked');
    expect(received).not.toContain('"rel":"policies"');
  });

  test('an answer with a fault of the whole answer is not streamed', async () => {
    pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'fewerParts', count: 1 } });
    const parts = [get(`${base}/me`), get(`${base}/me`)];
    const answer = await send(batchUrl, batchRequest('ann', parts));
    expect(answer.headers).toHaveProperty('content-length');
    expect(statusesIn(answer)).toEqual([200]);
  });

  test('the whole answer is the same as without streamParts', async () => {
    const parts = [get(`${base}/me`), post(`${base}/me/note`, '{}'), get(`${base}/me`)];
    const answer = await send(batchUrl, batchRequest('ann', parts));
    expect(statusesIn(answer)).toEqual([200, 204, 200]);
  });
});
