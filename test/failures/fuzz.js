/**
 * `npm run fuzz -- --minutes N [--seed S]` runs the random tests of this folder for N minutes, with
 * new input each time. Inputs that fail go to test/fixtures/corpus/. A seed repeats a run.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error('--minutes: expected a number of minutes above 0');
  process.exit(2);
}

const targets = ['targets', 'round-trips', 'mutated-answers', 'differential'];
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    ...['--config', 'jest.failures.config.js', '--testTimeout', String(minutes * 60_000 + 60_000)],
    ...targets.map((name) => `test/failures/${name}`),
  ],
  {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: 'inherit',
    env: {
      ...process.env,
      FUZZ_MINUTES: String(minutes),
      ...(values.seed === undefined ? {} : { FUZZ_SEED: values.seed }),
    },
  },
);
process.exit(status ?? 1);
