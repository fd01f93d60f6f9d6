import { expect, test } from '@jest/globals';
import { failureKind } from '../../src/trace/failure-kind.ts';
import { createOtlpSource } from '../../src/trace/otlp.ts';
import { startCollector } from '../support/collector.ts';

function rig(url: string) {
  const seen = { exported: 0, failed: 0, dropped: 0, kinds: [] as string[] };
  const source = createOtlpSource({
    url: `${url}/v1/traces`,
    version: '1',
    now: () => performance.now(),
    observer: {
      exported: (spans) => (seen.exported += spans),
      failed: (spans) => (seen.failed += spans),
      dropped: () => (seen.dropped += 1),
      firstFailure: (kind) => seen.kinds.push(kind),
    },
  });
  const write = (spans: number): void => {
    for (let i = 0; i < spans; i += 1) {
      source.start({ name: 'x', kind: 'internal', startMs: 1, attributes: {} }).end(2);
    }
  };
  return { seen, source, write };
}

test('spans are exported in order, and counted', async () => {
  const collector = await startCollector();
  const { seen, source, write } = rig(collector.url);
  write(3);
  await source.stop(10_000);
  expect(seen).toEqual({ exported: 3, failed: 0, dropped: 0, kinds: [] });
  expect(collector.named('x')).toHaveLength(3);
});

test('at most 2,048 spans wait for a collector that does not answer; the others are dropped and counted', async () => {
  const collector = await startCollector(() => new Promise<number>(() => undefined));
  const { seen, source, write } = rig(collector.url);
  write(3000);
  expect(seen).toMatchObject({ exported: 0, dropped: 952 });
  await source.stop(0);
});

test('a failure is reported once for each kind', async () => {
  const collector = await startCollector(() => 400);
  const { seen, source, write } = rig(collector.url);
  write(1500);
  await source.stop(10_000);
  expect(seen).toEqual({ exported: 0, failed: 1500, dropped: 0, kinds: ['status 400'] });
});

test('the kind of a failure quotes no message', () => {
  const withCode = (code: unknown) => Object.assign(new Error('secret'), { code });
  const kinds = [withCode('ECONNREFUSED'), withCode(503), withCode('secret text'), 'secret'];
  expect(kinds.map(failureKind)).toEqual([
    'ECONNREFUSED',
    'status 503',
    'unavailable',
    'unavailable',
  ]);
  expect(failureKind(new Error('Request timed out'))).toBe('timeout');
});

test('times are those of the system, to the millisecond', async () => {
  const collector = await startCollector();
  const { source } = rig(collector.url);
  const before = Date.now();
  const now = performance.now();
  source.start({ name: 'now', kind: 'server', startMs: now, attributes: {} }).end(now + 0.25);
  const after = Date.now();
  await source.stop(10_000);
  const [span] = collector.spans;
  expect(span?.startMs).toBeGreaterThan(before - 2);
  expect(span?.startMs).toBeLessThan(after + 2);
  expect((span?.endMs ?? 0) - (span?.startMs ?? 0)).toBeCloseTo(0.25, 2);
});
