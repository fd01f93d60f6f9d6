/** Traces by OTLP: what a collector gets, on real sockets. */
import { describe, expect, test } from '@jest/globals';
import { type SeenSpan, startCollector } from '../support/collector.ts';
import { startPool } from '../support/pool.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

const batchesOf = (parts: number) => ({
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: String(parts),
});

const everyCall = { UCWA_PROXY_TRACE_SAMPLE_RATIO: '1' };
const template = '/ucwa/oauth/v1/applications/{}';
const server = 2;
const client = 3;

async function start(
  env: Readonly<Record<string, string>>,
  options: Parameters<typeof startPool>[0] = {},
  answer?: () => number | Promise<number>,
) {
  const collector = await startCollector(answer);
  const pool = await startPool(options);
  const proxy = await startProxy(pool.url, { UCWA_PROXY_TRACE_ENDPOINT: collector.url, ...env });
  return { collector, pool, proxy, client: new UcwaClient(proxy.url) };
}

type Started = Pick<Awaited<ReturnType<typeof start>>, 'collector' | 'proxy' | 'client'>;

/** Stops the proxy, which exports what is left. */
async function spansOf({
  collector,
  proxy,
  client: asking,
}: Started): Promise<{ servers: SeenSpan[]; clients: SeenSpan[] }> {
  // A drain waits for connections that stay open.
  asking.close();
  await proxy.stop();
  return {
    servers: collector.spans.filter(({ kind }) => kind === server),
    clients: collector.spans.filter(({ kind }) => kind === client),
  };
}

const parentOf = (traceId: string, flags: string): string =>
  `00-${traceId}-00f067aa0ba902b7-${flags}`;
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('a batch', () => {
  test('is a span with links to the spans of its calls, and back', async () => {
    const started = await start({ ...everyCall, ...batchesOf(3) });
    await started.client.askAll(notes(3));
    const { servers, clients } = await spansOf(started);
    expect(servers).toHaveLength(3);
    const [batch] = clients;
    expect(clients).toHaveLength(1);
    expect(batch).toMatchObject({
      name: `POST ${template}/batch`,
      parentSpanId: undefined,
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'url.template': `${template}/batch`,
        'server.address': '127.0.0.1',
        'ucwa.batch.parts': 3,
        'ucwa.batch.flush_reason': 'parts',
      },
    });
    expect(new Set(batch?.links.map(({ spanId }) => spanId))).toEqual(
      new Set(servers.map(({ spanId }) => spanId)),
    );
    expect(new Set(servers.map((span) => span.traceId)).size).toBe(3);
    for (const span of servers) {
      expect(span.links).toEqual([
        { traceId: batch?.traceId, spanId: batch?.spanId, reason: 'request' },
      ]);
      expect(span.attributes).toMatchObject({
        'http.route': expect.stringContaining(template) as unknown,
        'http.response.status_code': 200,
        'url.scheme': 'http',
        'ucwa.via': 'batch',
        'ucwa.batch.parts': 3,
        'ucwa.user': expect.stringMatching(/^[0-9a-f]{8}$/) as unknown,
      });
    }
  });

  test('has hold and queue inside of the span of each call, in this order', async () => {
    const started = await start({ ...everyCall, ...batchesOf(2) });
    await started.client.askAll(notes(2));
    const { servers, clients } = await spansOf(started);
    const holds = started.collector.named('hold');
    const queues = started.collector.named('queue');
    for (const span of servers) {
      const hold = holds.find(({ parentSpanId }) => parentSpanId === span.spanId);
      const queue = queues.find(({ parentSpanId }) => parentSpanId === span.spanId);
      const times = [
        span.startMs,
        hold?.startMs,
        hold?.endMs,
        queue?.startMs,
        queue?.endMs,
        clients[0]?.startMs,
        clients[0]?.endMs,
      ].map((ms) => Math.round((ms ?? 0) * 1000));
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect([hold?.traceId, queue?.traceId]).toEqual([span.traceId, span.traceId]);
      expect(span.endMs).toBeGreaterThanOrEqual(queue?.endMs ?? Infinity);
    }
    expect([holds.length, queues.length]).toEqual([2, 2]);
  });

  test('of which one call is traced is a child of that call', async () => {
    const started = await start({ UCWA_PROXY_TRACE_SAMPLE_RATIO: '0', ...batchesOf(2) });
    await Promise.all([
      started.client.ask(`${app}/me`, { headers: { traceparent: parentOf(traceId, '01') } }),
      started.client.ask(`${app}/people`),
    ]);
    const { servers, clients } = await spansOf(started);
    expect(servers).toHaveLength(1);
    expect(servers[0]).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7' });
    expect(clients[0]).toMatchObject({ traceId, parentSpanId: servers[0]?.spanId, links: [] });
    expect(clients[0]?.attributes['ucwa.batch.parts']).toBe(2);
  });

  test('tells the pool its span, as a traced call without a trace of its client does', async () => {
    const collector = await startCollector();
    const pool = await startScriptedPool((_request, socket) => {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    });
    const proxy = await startProxy(pool.url, {
      ...{ UCWA_PROXY_TRACE_ENDPOINT: collector.url, ...everyCall, ...batchesOf(2) },
      UCWA_PROXY_BATCHING_NEVER: 'people',
    });
    const client = new UcwaClient(proxy.url);
    await client.askAll(notes(2));
    await client.ask(`${app}/me?operationId=1`, { method: 'POST', body: '{}' });
    await client.ask(`${app}/people`);
    const { clients } = await spansOf({ collector, proxy, client });
    const told = pool.requests.map((text) => /^traceparent: (.+)\r$/im.exec(text)?.[1]);
    const expected = clients.map((span) => `00-${span.traceId}-${span.spanId}-01`);
    expect(expected).toHaveLength(2);
    expect(told).toEqual([...expected, undefined]);
  });

  test('that the pool refuses has links from the requests that carry its calls again', async () => {
    const started = await start(
      { ...everyCall, ...batchesOf(20), UCWA_PROXY_BATCHING_MAX_IN_FLIGHT_PER_USER: '1' },
      { limit: 7 },
    );
    await started.client.askAll(notes(20));
    const { servers, clients } = await spansOf(started);
    const [refused, ...pieces] = clients.sort((a, b) => a.startMs - b.startMs);
    expect(servers).toHaveLength(20);
    expect(refused).toMatchObject({
      isError: true,
      attributes: { 'http.response.status_code': 429, 'error.type': '429' },
    });
    expect(pieces).toHaveLength(3);
    for (const piece of pieces) {
      expect(piece.links.filter(({ reason }) => reason === 'refused')).toEqual([
        { traceId: refused?.traceId, spanId: refused?.spanId, reason: 'refused' },
      ]);
      expect(piece.attributes['http.request.resend_count']).toBe(1);
    }
  });
});

describe('a call', () => {
  test('follows the decision of its client, whatever the share is', async () => {
    const started = await start(everyCall);
    await started.client.ask(`${app}/me`, { headers: { traceparent: parentOf(traceId, '00') } });
    await started.client.ask(`${app}/me`, {
      headers: { traceparent: parentOf('0'.repeat(32), '00') },
    });
    const { servers } = await spansOf(started);
    expect(servers).toHaveLength(1);
    expect(servers[0]?.parentSpanId).toBeUndefined();
  });

  test('is a span on each way, also if it is refused or passed through', async () => {
    const started = await start({
      ...everyCall,
      UCWA_PROXY_BATCHING_MODE: 'off',
    });
    started.pool.faults.add({
      on: { target: `${app}/me` },
      fault: { kind: 'status', status: 500 },
    });
    await started.client.ask(`${app}/me`, { method: 'POST', body: '{}' });
    await started.client.ask('/');
    await started.client.ask('/x', { headers: { Host: 'a/b' } });
    const { servers, clients } = await spansOf(started);
    expect(
      servers.map(({ name, isError, attributes }) => [name, isError, attributes['ucwa.via']]),
    ).toEqual([
      [`POST ${template}/me`, true, 'single'],
      ['GET /', false, 'passthrough'],
      ['GET /{}', false, 'refused'],
    ]);
    expect(clients).toHaveLength(1);
    expect(clients[0]).toMatchObject({ name: `POST ${template}/me`, isError: true });
    expect(clients[0]?.parentSpanId).toBe(servers[0]?.spanId);
  });

  test('has the id of its log line, on each way', async () => {
    const started = await start({ ...everyCall, UCWA_PROXY_BATCHING_MODE: 'off' });
    const headers = { 'X-Request-Id': 'asked-1' };
    await started.client.ask(`${app}/me`, { headers });
    await started.client.ask(`${app}/me`);
    await started.client.ask('/');
    await started.client.ask('/x', { headers: { Host: 'a/b' } });
    const { servers } = await spansOf(started);
    const lines = started.proxy.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    const logged = lines.filter(({ msg }) => msg === 'call').map(({ id }) => id);
    expect(servers.map(({ attributes }) => attributes['ucwa.call.id'])).toEqual(logged);
    expect([logged[0], new Set(logged).size]).toEqual(['asked-1', 4]);
  });

  test('shows no credential, query, body, path or user', async () => {
    const started = await start(everyCall);
    await started.client.ask(`${app}/people/dana@secret.example/note?q=secret`, {
      method: 'PUT',
      token: 'cwt=sim-secret',
      body: '{"message":"secret"}',
      headers: {
        ...{ Cookie: 'secret=1', 'X-Secret': 'secret', Referer: 'http://secret.example' },
        tracestate: 'vendor=secret',
        traceparent: parentOf(traceId, '01'),
      },
    });
    const { servers } = await spansOf(started);
    expect(servers[0]?.name).toBe(`PUT ${template}/people/{}/note`);
    expect(started.collector.text).not.toContain('secret');
    expect(started.collector.text).not.toContain('dana');
  });
});

describe('the collector', () => {
  test('gets the service and its attributes, at the path for traces', async () => {
    const started = await start(everyCall);
    await started.client.ask(`${app}/me`);
    await spansOf(started);
    const { requests, resource } = started.collector;
    expect(requests[0]?.path).toBe('/v1/traces');
    expect(resource).toMatchObject({
      'service.name': 'ucwa-batch-proxy',
      'service.version': '0.0.0-test',
    });
  });

  test('that refuses spans costs one log line, and no call', async () => {
    const started = await start(everyCall, {}, () => 400);
    expect((await started.client.ask(`${app}/me`)).status).toBe(200);
    await spansOf(started);
    const lines = started.proxy.log.filter((line) => line.includes('spans cannot be exported'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"kind":"status 400"');
  });

  test('that never answers does not keep the proxy from its end', async () => {
    const never = (): Promise<number> => new Promise<number>(() => undefined);
    const env = { ...everyCall, UCWA_PROXY_DRAIN_TIMEOUT_MS: '0' };
    const started = await start(env, {}, never);
    expect((await started.client.ask(`${app}/me`)).status).toBe(200);
    await spansOf(started);
    expect(started.collector.requests).toHaveLength(1);
  });
});
