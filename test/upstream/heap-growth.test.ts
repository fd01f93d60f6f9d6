import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { growthFlag } from '../../src/upstream/heap-growth.ts';

test('what is asked of V8 is something that this Node knows', () => {
  const run = (flag: string): number | null =>
    spawnSync(process.execPath, [flag, '--eval', '0']).status;
  expect(run(growthFlag)).toBe(0);
  expect(run('--heap-growing-nonsense=300')).not.toBe(0);
});
