/** The costs of slow calls for other callers, in virtual time. */
import { describe, expect, test } from '@jest/globals';
import { playSlow, slows, slowTraffics } from '../../../support/slow-player.ts';

describe.each(Object.entries(slowTraffics))(
  'if every twentieth call is 40 times slower, %s',
  (_name, traffic) => {
    describe.each(['one slow route', 'many paths of one slow template'] as const)('%s', (slow) => {
      test('costs the others next to nothing, and most of the saving remains', () => {
        const { ratios, saved, failed } = playSlow(traffic, slows[slow]);
        expect(ratios.p50).toBeLessThan(1.5);
        expect(ratios.p95).toBeLessThan(1.6);
        expect(ratios.p99).toBeLessThan(1.5);
        expect(saved).toBeGreaterThan(0.4);
        expect(failed).toBe(0);
      });

      test('costs even less with holds of 10 ms', () => {
        expect(playSlow(traffic, slows[slow], { lingerMaxMs: 10 }).ratios.p95).toBeLessThan(1.4);
      });
    });

    test('unpredictable slow calls cost the others at most 4 times their latency', () => {
      const { ratios, failed } = playSlow(traffic, slows['slow calls that nothing predicts']);
      expect(ratios.p99).toBeLessThan(4);
      expect(failed).toBe(0);
    });
  },
);
