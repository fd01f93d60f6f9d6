import { spawnSync } from 'node:child_process';
import { test } from '@jest/globals';

/**
 * Returns `test` if those programs are installed, and in CI, where a test without its program must
 * fail. Otherwise returns `test.skip`, so that the skip is visible.
 */
export function onlyWith(...programs: readonly string[]): typeof test | typeof test.skip {
  const found = programs.every((one) => spawnSync(one, ['--version']).error === undefined);
  return found || process.env['CI'] === 'true' ? test : test.skip;
}
