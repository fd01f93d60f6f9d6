/** Traces, as a real OpenTelemetry collector takes them. */
import { expect } from '@jest/globals';
import { onCleanup } from '../../support/cleanup.ts';
import { startPool } from '../../support/pool.ts';
import { startProxy } from '../../support/proxy.ts';
import { app, notes, UcwaClient } from '../../support/ucwa-client.ts';
import { RealCollector, testWithCollector } from './real-collector.ts';

const internal = 1;
const server = 2;
const client = 3;
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentOf = (flags: string) => `00-${traceId}-00f067aa0ba902b7-${flags}`;
const batchesOf = (parts: number) => ({
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: String(parts),
});

/** Sets variables of the SDK, which reads them from the process. */
function setVariables(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    process.env[name] = value;
    onCleanup(() => Reflect.deleteProperty(process.env, name));
  }
}

async function start(env: Readonly<Record<string, string>>) {
  const collector = await RealCollector.start();
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_TRACE_ENDPOINT: collector.url, ...env });
  return { collector, proxy, client: new UcwaClient(proxy.url) };
}

testWithCollector(
  'a collector takes a batch with its calls, their waits, links in both directions, and ids',
  async () => {
    const started = await start({ UCWA_PROXY_TRACE_SAMPLE_RATIO: '1', ...batchesOf(3) });
    await Promise.all(
      notes(3).map((target, i) =>
        started.client.ask(target, { headers: { 'X-Request-Id': `asked-${i}` } }),
      ),
    );
    // A drain exports what is left, and waits for connections that stay open.
    started.client.close();
    await started.proxy.stop();
    const spans = await started.collector.taken(10);
    expect(spans).toHaveLength(10);
    const ofKind = (wanted: number) => spans.filter(({ kind }) => kind === wanted);
    const calls = ofKind(server);
    const [batch] = ofKind(client);
    expect([calls.length, ofKind(client).length]).toEqual([3, 1]);
    expect(batch).toMatchObject({
      parentSpanId: undefined,
      attributes: { 'ucwa.batch.parts': 3, 'http.response.status_code': 200 },
    });
    expect(new Set(batch?.links.map(({ spanId }) => spanId))).toEqual(
      new Set(calls.map(({ spanId }) => spanId)),
    );
    for (const call of calls) {
      expect(call.links).toEqual([
        { traceId: batch?.traceId, spanId: batch?.spanId, reason: 'request' },
      ]);
      const waits = ofKind(internal).filter(({ parentSpanId }) => parentSpanId === call.spanId);
      expect(waits.map(({ name }) => name).sort()).toEqual(['hold', 'queue']);
      expect(waits.map((wait) => wait.traceId)).toEqual([call.traceId, call.traceId]);
    }
    const ids = calls.map(({ attributes }) => attributes['ucwa.call.id']);
    expect(ids.sort()).toEqual(['asked-0', 'asked-1', 'asked-2']);
    expect(started.collector.resource).toMatchObject({
      'service.name': 'ucwa-batch-proxy',
      'service.version': '0.0.0-test',
    });
    expect(started.proxy.log.filter((line) => line.includes('spans'))).toEqual([]);
  },
);

testWithCollector(
  'a collector takes compressed spans of the calls that their clients trace, and of no others',
  async () => {
    setVariables({ OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip', OTEL_SERVICE_NAME: 'phones' });
    const started = await start({ UCWA_PROXY_TRACE_SAMPLE_RATIO: '1', ...batchesOf(1) });
    const ask = (flags: string) =>
      started.client.ask(`${app}/me`, { headers: { traceparent: parentOf(flags) } });
    await ask('00');
    await ask('01');
    started.client.close();
    await started.proxy.stop();
    const spans = await started.collector.taken(3);
    const call = spans.find(({ kind }) => kind === server);
    expect(call).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7' });
    const request = spans.find(({ kind }) => kind === client);
    expect(request).toMatchObject({ traceId, parentSpanId: call?.spanId, links: [] });
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    expect(started.collector.resource).toMatchObject({ 'service.name': 'phones' });
  },
);

testWithCollector(
  'while a collector is away, calls get answers; spans after its return arrive, and counters tell both',
  async () => {
    setVariables({ OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_EXPORTER_OTLP_TIMEOUT: '200' });
    const {
      collector,
      proxy,
      client: asking,
    } = await start({
      UCWA_PROXY_TRACE_SAMPLE_RATIO: '1',
      ...batchesOf(1),
    });
    await collector.stop();
    expect((await asking.ask(`${app}/me`)).status).toBe(200);
    await proxy.untilLogged(/spans cannot be exported/);
    await proxy.untilMetric('ucwa_proxy_spans_total{outcome="failed"}', (count) => count > 0);
    const back = await RealCollector.start(collector.port);
    expect((await asking.ask(`${app}/me`)).status).toBe(200);
    const { length } = await back.taken(1);
    expect(length).toBeGreaterThan(0);
    await proxy.untilMetric('ucwa_proxy_spans_total{outcome="exported"}', (count) => count > 0);
    expect(collector.spans).toEqual([]);
  },
);
