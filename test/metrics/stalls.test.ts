import { expect, test } from '@jest/globals';
import { isOwnStall, watchStalls } from '../../src/metrics/stalls.ts';
import { onCleanup } from '../support/cleanup.ts';

test.each([
  ['work of a quarter of a second', 250, 260, true],
  ['shorter work', 190, 190, false],
  ['a process that was stopped while it was idle', 3000, 5, false],
  ['a process that was stopped at work', 1000, 300, false],
])('the event loop was blocked by us, or not: %s', (_what, stallMs, workedMs, isOurs) => {
  expect(isOwnStall(stallMs, workedMs)).toBe(isOurs);
});

test('a loop that does not turn is noticed', async () => {
  const seen = await new Promise<number>((resolve) => {
    // On a busy machine nobody can say whose doing it is.
    const watch = watchStalls(resolve, (stallMs) => stallMs > 200);
    onCleanup(() => watch.stop());
    setTimeout(() => {
      const endAtMs = performance.now() + 400;
      while (performance.now() < endAtMs);
    }, 100);
  });
  expect(seen).toBeGreaterThan(200);
});
