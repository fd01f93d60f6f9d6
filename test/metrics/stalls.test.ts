import { expect, test } from '@jest/globals';
import { isOwnStall, watchStalls } from '../../src/metrics/stalls.ts';
import { onCleanup } from '../support/cleanup.ts';

test.each([
  ['work of a quarter of a second', 250, 260, true],
  ['shorter work', 190, 190, false],
  ['an idle process that was suspended', 3000, 5, false],
  ['a busy process that was suspended', 1000, 300, false],
])(
  'a stall is blamed on the process only if it used the CPU: %s',
  (_what, stallMs, cpuMs, isOwn) => {
    expect(isOwnStall(stallMs, cpuMs)).toBe(isOwn);
  },
);

test('a blocked event loop is reported', async () => {
  const seen = await new Promise<number>((resolve) => {
    // The share of CPU time is not checked here, because a busy machine makes it unpredictable.
    const watch = watchStalls(resolve, (stallMs) => stallMs > 200);
    onCleanup(() => watch.stop());
    setTimeout(() => {
      const endAtMs = performance.now() + 400;
      while (performance.now() < endAtMs);
    }, 100);
  });
  expect(seen).toBeGreaterThan(200);
});
