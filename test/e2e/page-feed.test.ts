/** The feed of the page at the admin port, as raw bytes. */
import { describe, expect, test } from '@jest/globals';
import { loadPage } from '../../src/page/document.ts';
import { assertNothingShown } from '../support/canaries.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

const get = (path: string, fields = '', method = 'GET', host = 'localhost'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;

interface Frame {
  readonly totals: Readonly<Record<string, number>>;
  readonly tap: { readonly rows: ReadonlyArray<{ readonly user: string }> };
  readonly watchedMs: number;
  readonly servers: ReadonlyArray<{ readonly server: string }>;
}

/** A reader of the feed. */
class Reader {
  readonly client: RawClient;
  text = '';

  constructor(proxy: TestProxy, fields = '') {
    this.client = new RawClient(proxy.ports.admin);
    this.client.send(get('/events', fields));
  }

  /** Reads until a frame satisfies the condition. */
  async until(condition: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      this.text += await this.client.readChunk();
      const last = this.text.split('\n\n').at(-2) ?? '';
      const data = /^data: (.*)$/m.exec(last)?.[1];
      if (data === undefined || last.includes('event: hello')) continue;
      const frame = JSON.parse(data) as Frame;
      if (condition(frame)) return frame;
    }
  }
}

async function answerTo(proxy: TestProxy, request: string) {
  const client = new RawClient(proxy.ports.admin);
  client.send(request);
  const answer = await client.readAnswer();
  client.leave();
  return answer;
}

const whatIf = '/what-if?lingerMaxMs=15&maxParts=20&exchangeRateMs=50';

describe('the feed', () => {
  test('counts as the metrics do, and shows no secret', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const reader = new Reader(proxy);
    await reader.until(() => true);
    const client = new UcwaClient(proxy.url);
    const secrets = ['people/sip:ann@example.com/note?x=bearer abcdefghijk', 'me?cwt=sim-x'];
    await client.askAll([...notes(6), ...secrets.map((one) => `${app}/${encodeURI(one)}`)]);
    await client.ask('/');
    const refused = new RawClient(proxy.port);
    refused.send(get('/', '', 'TRACE'));
    expect((await refused.readAnswer()).status).toBe(501);
    const { totals } = await reader.until(
      ({ totals: { passedThrough = 0, refused = 0 } }) => passedThrough > 0 && refused > 0,
    );
    const metrics = await proxy.metrics();
    const sum = (name: string): number =>
      [...metrics]
        .filter(([series]) => series.startsWith(`ucwa_proxy_${name}`))
        .reduce((total, [, value]) => total + value, 0);
    expect(totals).toMatchObject({
      calls: sum('calls_total'),
      batches: sum('batches_total'),
      parts: sum('batch_parts_sum'),
      singles: sum('upstream_responses_total{kind="single"'),
      passedThrough: sum('upstream_responses_total{kind="passthrough"'),
      refused: sum('refused_total'),
    });
    assertNothingShown('the feed', [reader.text]);
    expect(reader.text).not.toMatch(/1045|sim-ann|[?]/);
  });

  test('begins with nothing when the first reader comes, and ends with the last one', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const client = new UcwaClient(proxy.url);
    const first = new Reader(proxy);
    const second = new Reader(proxy);
    await first.until(() => true);
    await second.until(() => true);
    await client.askAll(notes(3));
    await first.until(({ totals: { calls = 0 } }) => calls === 3);
    first.client.leave();
    await second.until(({ totals: { calls = 0 } }) => calls === 3);
    expect((await answerTo(proxy, get(whatIf))).status).toBe(200);
    second.client.leave();
    // Without a reader nothing is recorded that could be replayed.
    while ((await answerTo(proxy, get(whatIf))).status !== 409);
    const { totals } = await new Reader(proxy).until(() => true);
    expect(totals['calls']).toBe(0);
  });

  test('has room for eight readers', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const readers = Array.from({ length: 8 }, () => new Reader(proxy));
    for (const reader of readers) await reader.until(() => true);
    expect((await answerTo(proxy, get('/events'))).status).toBe(503);
    readers[0]?.client.leave();
    for (;;) {
      const next = new RawClient(proxy.ports.admin);
      next.send(get('/events'));
      if ((await next.readHead()).includes(' 200 ')) break;
    }
  });

  test('ends when the proxy stops', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const reader = new Reader(proxy);
    await reader.until(() => true);
    await proxy.abort();
    expect(await reader.client.readAll()).not.toContain('event: hello');
  });
});

describe('a request for the page', () => {
  test.each(['/', '/events', whatIf])('%s of another site gets nothing', async (path) => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    for (const fields of [
      'Origin: http://evil.example\r\n',
      'Origin: null\r\n',
      'Origin: http://localhost:1\r\n',
      'Sec-Fetch-Site: cross-site\r\n',
      'Sec-Fetch-Site: same-site\r\n',
    ]) {
      const { status, head } = await answerTo(proxy, get(path, fields));
      expect([fields, status]).toEqual([fields, 403]);
      expect(head).not.toMatch(/access-control/i);
    }
    expect((await answerTo(proxy, get(path, '', 'GET', 'evil.example'))).status).toBe(421);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await answerTo(proxy, get(path, '', method))).status).toBe(405);
  });

  test('may follow a link of another site to the page, which has no data', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const link =
      'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n';
    expect((await answerTo(proxy, get('/', link))).status).toBe(200);
    expect((await answerTo(proxy, get('/events', link))).status).toBe(403);
    const framed = link.replace('document', 'iframe');
    expect((await answerTo(proxy, get('/', framed))).status).toBe(403);
  });

  test('gets a page that runs nothing but its own script', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const { head, body } = await answerTo(proxy, get('/'));
    expect(head).toMatch(/^content-security-policy: default-src 'none'; script-src 'sha256-/im);
    expect(head).toMatch(/frame-ancestors 'none'/);
    expect(head).toMatch(/^x-content-type-options: nosniff$/im);
    expect(head).not.toMatch(/unsafe|https?:|\*/);
    expect(body.toString()).toBe(loadPage().body.toString());
    expect(body.toString().match(/<script|<style/g)).toHaveLength(2);
    expect(body.toString()).not.toMatch(/https?:\/\/| (?:src|on\w+|style)=/);
  });

  test('with HEAD gets a head, and is no reader', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    for (const path of ['/', '/events']) {
      const client = new RawClient(proxy.ports.admin);
      client.send(get(path, 'Connection: close\r\n', 'HEAD'));
      expect(await client.readAll()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
    }
    expect((await answerTo(proxy, get(whatIf))).status).toBe(409);
  });

  test.each([
    '',
    '?lingerMaxMs=15',
    '?lingerMaxMs=-1&maxParts=20&exchangeRateMs=50',
    '?lingerMaxMs=1001&maxParts=20&exchangeRateMs=50',
    '?lingerMaxMs=15&maxParts=2.5&exchangeRateMs=50',
    '?lingerMaxMs=15&maxParts=0&exchangeRateMs=50',
    '?lingerMaxMs=15&maxParts=1e3&exchangeRateMs=50',
    '?lingerMaxMs=15&maxParts=20&exchangeRateMs=NaN',
  ])('is refused with settings that the proxy would refuse: %s', async (query) => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    expect((await answerTo(proxy, get(`/what-if${query}`))).status).toBe(400);
  });
});
