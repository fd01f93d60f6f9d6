import { spawnSync } from 'node:child_process';
import { test } from '@jest/globals';

/**
 * `test` where those programs are installed. In CI they always are, and a test that is skipped there
 * fails; on a laptop without one of them the test is skipped, visibly.
 */
export function onlyWith(...programs: readonly string[]): typeof test | typeof test.skip {
  const found = programs.every((one) => spawnSync(one, ['--version']).error === undefined);
  return found || process.env['CI'] === 'true' ? test : test.skip;
}
