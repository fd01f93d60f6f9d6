import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { growthFlag } from '../../src/upstream/heap-growth.ts';

test('this Node supports the V8 flag', () => {
  const run = (flag: string): number | null =>
    spawnSync(process.execPath, [flag, '--eval', '0']).status;
  expect(run(growthFlag)).toBe(0);
  expect(run('--heap-growing-nonsense=300')).not.toBe(0);
});
