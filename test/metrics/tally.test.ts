import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { CounterTally, HistogramTally } from '../../src/metrics/tally.ts';

const vias = ['batch', 'single'] as const;
const codes = ['200', '404', 'other'] as const;
const bounds = [0.005, 0.1, 2.5];

/** Returns the lines of the metrics, sorted, with sorted labels. */
async function lines(registry: Registry): Promise<string[]> {
  const text = await registry.metrics();
  return text
    .split('\n')
    .map((line) =>
      line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`),
    )
    .sort();
}

test('a tally renders the same text as the metrics of prom-client', async () => {
  const calls = fc.record({
    via: fc.constantFrom(...vias),
    code: fc.constantFrom(...codes),
    seconds: fc.oneof(fc.constantFrom(0, ...bounds), fc.double({ min: 0, max: 5, noNaN: true })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(calls), async (observed) => {
      const ours = new Registry();
      const theirs = new Registry();
      const name = { name: 'calls_total', help: 'Calls.' };
      const labelled = { name: 'duration_seconds', help: 'Duration.' };
      const plain = { name: 'hold_seconds', help: 'Hold.' };
      const counter = new CounterTally({ ...name, registry: ours }, ['via', vias], ['code', codes]);
      const durations = new HistogramTally({ ...labelled, registry: ours }, bounds, {
        name: 'via',
        values: vias,
      });
      const holds = new HistogramTally({ ...plain, registry: ours }, bounds);
      const registers = [theirs];
      const libraryCounter = new Counter({ ...name, labelNames: ['via', 'code'], registers });
      const library = { buckets: bounds, registers };
      const libraryDurations = new Histogram({ ...labelled, ...library, labelNames: ['via'] });
      const libraryHolds = new Histogram({ ...plain, ...library });
      // A tally has all series from the start.
      for (const via of vias) {
        for (const code of codes) libraryCounter.inc({ via, code }, 0);
        libraryDurations.zero({ via });
      }
      for (const { via, code, seconds } of observed) {
        counter.inc(via, code);
        durations.observe(seconds, via);
        holds.observe(seconds);
        libraryCounter.inc({ via, code });
        libraryDurations.observe({ via }, seconds);
        libraryHolds.observe(seconds);
      }
      const expected = await lines(theirs);
      expect(await lines(ours)).toEqual(expected);
      // A scrape does not change the values.
      expect(await lines(ours)).toEqual(expected);
    }),
  );
});
