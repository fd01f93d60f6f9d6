import { spawnSync } from 'node:child_process';
import { test } from '@jest/globals';

/**
 * `test` where that program is installed. In CI it always is, and a test that is skipped there
 * fails; on a laptop without it the test is skipped, visibly.
 */
export function onlyWith(program: string): typeof test | typeof test.skip {
  const found = spawnSync(program, ['--version']).error === undefined;
  return found || process.env['CI'] === 'true' ? test : test.skip;
}
