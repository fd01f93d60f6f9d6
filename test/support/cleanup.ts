import { afterEach } from '@jest/globals';

const pending: Array<() => unknown> = [];

/** Registers a function that runs after the test. The function registered last runs first. */
export function onCleanup(undo: () => unknown): void {
  pending.push(undo);
}

afterEach(async () => {
  for (let undo = pending.pop(); undo; undo = pending.pop()) await undo();
});
