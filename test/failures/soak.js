/**
 * npm run soak -- --minutes N [--seed S]: everything goes wrong in turn, as in `npm run
 * test:failures`, but for so long; prints figures. A seed repeats the callers' choices, not the
 * timing.
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
