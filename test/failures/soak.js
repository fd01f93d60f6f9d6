/**
 * `npm run soak -- --minutes N [--seed S]` lets all kinds of failures happen in turn for N minutes,
 * and prints figures. `npm run test:failures` does so for a shorter time. A seed repeats the
 * choices of the callers, not the timing.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error('--minutes: expected a number of minutes above 0');
  process.exit(2);
}

const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    ...['--config', 'jest.failures.config.js', 'test/failures/chaos/chaos.test.ts'],
  ],
  {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: 'inherit',
    env: {
      ...process.env,
      SOAK_MINUTES: String(minutes),
      ...(values.seed === undefined ? {} : { SOAK_SEED: values.seed }),
    },
  },
);
process.exit(status ?? 1);
