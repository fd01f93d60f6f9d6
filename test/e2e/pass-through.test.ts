import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

const passed = (reason: string): string => `ucwa_proxy_passthrough_total{reason="${reason}"}`;

describe('calls that are not batched pass through, and the reason is counted', () => {
  test('discovery, tokens, the application, photos with only a cookie, HEAD, OPTIONS', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const client = new UcwaClient(proxy.url);

    const root = await client.ask('/Autodiscover/AutodiscoverService.svc/root', { token: '' });
    expect(root.status).toBe(200);
    const challenge = await client.ask('/autodiscover/autodiscoverservice.svc/root/oauth/user', {
      token: '',
    });
    expect(challenge.status).toBe(401);
    expect(challenge.rawHeaders.filter((h) => /^www-authenticate$/i.test(h))).toHaveLength(2);
    const issued = await client.ask('/webticket/oauthtoken', {
      method: 'POST',
      token: '',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=password&username=dana&password=secret',
    });
    const token = (JSON.parse(issued.text) as { access_token: string }).access_token;
    const created = await client.ask('/ucwa/oauth/v1/applications', {
      method: 'POST',
      token,
      headers: { 'Content-Type': 'application/json' },
      body: '{"UserAgent":"x","EndpointId":"1","Culture":"en-US"}',
    });
    expect(created.status).toBe(201);
    const links = (JSON.parse(created.text) as { _links: Record<string, { href: string }> })._links;
    expect((await client.ask(links['self']!.href, { token })).status).toBe(200);

    const cookie = created.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const photo = await client.ask(`${links['self']!.href}/photos/dana@pool.example`, {
      token: '',
      headers: { Cookie: cookie },
    });
    expect(photo.status).toBe(200);
    expect(photo.headers['content-type']).toMatch(/^image\//);
    expect((await client.ask(`${app}/me`, { method: 'HEAD' })).body).toHaveLength(0);
    expect((await client.ask(`${app}/me`, { method: 'OPTIONS' })).status).toBeLessThan(500);

    const metrics = await proxy.metrics();
    expect(metrics.get(passed('outside'))).toBe(4);
    expect(metrics.get(passed('application'))).toBe(1);
    expect(metrics.get(passed('photos'))).toBe(1);
    expect(metrics.get(passed('method'))).toBe(2);
    expect(metrics.get('ucwa_proxy_calls_total{via="passthrough",code="401"}')).toBe(1);
    expect(pool.stats().batches).toBe(0);
  });

  test('a poll, which delivers the event of a started operation', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const client = new UcwaClient(proxy.url);
    const poll = client.ask(`${app}/events?ack=1`);
    await proxy.untilMetric('ucwa_proxy_long_polls', (value) => value === 1);
    const started = await client.ask(`${app}/communication/messagingInvitations`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"to":"sip:bob@pool.example","operationId":"op-123"}',
    });
    expect(started.status).toBe(201);
    const events = await poll;
    expect(events.text).toContain('op-123');
    expect((await proxy.metrics()).get(passed('events'))).toBe(1);
  });
});

test("a client's own batch passes through byte for byte, both ways", async () => {
  const fixture = (name: string): Buffer =>
    readFileSync(new URL(`../fixtures/exchanges/2013-note/${name}`, import.meta.url));
  const answer = fixture('batch-response.http');
  const pool = await startScriptedPool((_request, socket) => socket.write(answer));
  const proxy = await startProxy(pool.url);
  const recorded = fixture('batch-request.http').toString('latin1');
  const client = new RawClient(proxy.port);
  client.send(recorded.replace('https://lyncweb.domain.com/', '/'));
  const { body, head } = await client.readAnswer();
  expect(body.equals(answer.subarray(answer.indexOf('\r\n\r\n') + 4))).toBe(true);
  expect(head).toMatch(/^Content-Type: multipart\/batching; boundary="76b633fe-/m);
  const sent = pool.requests[0] ?? '';
  expect(sent.slice(sent.indexOf('\r\n\r\n'))).toBe(recorded.slice(recorded.indexOf('\r\n\r\n')));
  expect(sent).toContain('Content-Type: multipart/batching;boundary=eb219fa7-');
});

test('uploads and downloads stream through, byte for byte', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url);
  const client = new UcwaClient(proxy.url);
  const bytes = Buffer.alloc(8 * 1024 * 1024, 'batch');
  const echoed = await client.ask('/simulator/echo', { method: 'POST', body: bytes });
  expect(echoed.body.equals(bytes)).toBe(true);
  const chunked = await client.ask('/simulator/echo', {
    method: 'POST',
    headers: { 'Transfer-Encoding': 'chunked' },
    body: bytes,
  });
  expect(chunked.body.equals(bytes)).toBe(true);
});

test('neither the deadline of calls nor the idle timeout of passed-through calls ends a poll', async () => {
  const pool = await startPool({ eventSecondMs: 10 });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '100',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '10',
    UCWA_PROXY_UPSTREAM_PASS_THROUGH_IDLE_MS: '1000',
  });
  // 180 s of the event channel, scaled to 1.8 s.
  const answer = await new UcwaClient(proxy.url).ask(`${app}/events?ack=1&timeout=180`);
  expect(answer.status).toBe(200);
  expect(answer.text).toContain('events?ack=');
});

test('the forwarding fields of a client are believed only from a trusted proxy', async () => {
  const pool = await startPool();
  const headers = { 'X-Forwarded-For': '6.6.6.6', Forwarded: 'for=6.6.6.6' };
  const untrusting = await startProxy(pool.url);
  await new UcwaClient(untrusting.url).ask('/', { headers });
  const trusting = await startProxy(pool.url, {
    UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '127.0.0.0/8',
    UCWA_PROXY_BATCHING_MODE: 'off',
  });
  await new UcwaClient(trusting.url).ask('/', { headers });
  await new UcwaClient(trusting.url).ask(`${app}/me`, { headers });
  const seen = pool.ledger.requests().map((request) => request.rawHeaders.includes('6.6.6.6'));
  expect(seen).toEqual([false, true, true]);
});
