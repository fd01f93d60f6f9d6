/**
 * The whole proxy in virtual time: `npm run sim`. A seed repeats a run exactly, no promise breaks, and bugs that are
 * planted are found.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

interface Run {
  readonly seed: number;
  readonly calls: number;
  readonly batched: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
  readonly hash: string;
}

const program = fileURLToPath(new URL('../../sim/run.js', import.meta.url));

/** Runs seeds in a process of its own. */
async function simulate(...flags: readonly string[]): Promise<Run[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    program,
    '--json',
    ...flags,
  ]).catch(
    // A broken promise is exit code 1.
    (error: unknown) => error as { stdout: string },
  );
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Run);
}

const within = 5;
const bugs: ReadonlyArray<readonly [string, RegExp]> = [
  ['permit lost', /^without harm only \d+ of \d+ calls were answered|: nothing in \d+ ms$/],
  ['part shifted', / got the answer of n\d+$/],
  ['connection shared', /^n\d+ got the answer of n\d+$/],
  ['timer forgotten', /^left after the end: /],
  ['write repeated', /is unsafe and ran 2 times/],
];

test('a seed repeats its run exactly, alone or after another run, and no promise breaks', async () => {
  const [several, alone] = await Promise.all([
    simulate('--seed', '4', '--runs', '2'),
    simulate('--seed', '5'),
  ]);
  expect(several.map(({ seed, violations }) => [seed, violations])).toEqual([
    [4, []],
    [5, []],
  ]);
  expect(alone).toEqual(several.slice(-1));
  expect(new Set(several.map(({ hash }) => hash)).size).toBe(2);
  const faults = new Set(several.flatMap((run) => Object.keys(run.faults)));
  expect(faults.size).toBeGreaterThan(4);
  expect(several.reduce((sum, { batched }) => sum + batched, 0)).toBeGreaterThan(50);
});

test(`the simulation finds each of ${bugs.length} planted bugs within ${within} seeds`, async () => {
  const found = await Promise.all(
    bugs.map(async ([bug, violation]) => {
      const runs = await simulate('--seed', '1', '--runs', String(within), '--planted', bug);
      const violations = runs.at(-1)?.violations ?? [];
      return [bug, violations.some((what) => violation.test(what))];
    }),
  );
  expect(found).toEqual(bugs.map(([bug]) => [bug, true]));
});
