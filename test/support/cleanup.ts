import { afterEach } from '@jest/globals';

const pending: Array<() => unknown> = [];

/** Runs after the test, the last registered first. */
export function onCleanup(undo: () => unknown): void {
  pending.push(undo);
}

afterEach(async () => {
  for (let undo = pending.pop(); undo; undo = pending.pop()) await undo();
});
