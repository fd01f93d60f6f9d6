/**
 * `npm run sim -- --seed N [--runs K] [--seconds S] [--planted BUG] [--all] [--json]` runs the whole proxy in one
 * process, in virtual time and over connections in memory. All choices come from the seed. Without `--runs` and
 * `--seconds` it runs this one seed. Each run has the next seed. It stops at the first run that breaks a promise,
 * unless `--all` is given. `--json` prints a line for each run.
 */
import { register } from 'node:module';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    planted: { type: 'string' },
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
/** @param {'seed' | 'runs' | 'seconds'} name */
function numberOf(name) {
  const value = values[name];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  console.error(`--${name}: expected a whole number, found ${value}`);
  process.exit(2);
}
const order = {
  seed: numberOf('seed') ?? 1,
  runs: numberOf('runs'),
  seconds: numberOf('seconds'),
  planted: values.planted,
  all: values.all,
  json: values.json,
};

register('../bench/hold/strip-types.js', import.meta.url);
// The clock and the network are replaced before the first module that uses them is loaded.
const { install } = await import('./install.ts');
const world = install();
const { runSeeds } = await import('./run-seeds.ts');
process.exitCode = await runSeeds(world, order);
