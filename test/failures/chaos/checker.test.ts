import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mulberry32 } from '../../../src/simulator/pool/prng.ts';
import { onCleanup } from '../../support/cleanup.ts';
import { Program } from '../../support/program.ts';
import { Checker } from './checker.ts';
import { Load } from './load.ts';
import { type Lie, startLyingProxy } from './lying-proxy.ts';
import { PoolChild } from './rig.ts';

let program: Program;
beforeAll(async () => {
  program = await Program.install();
}, 60_000);
afterAll(() => program.remove());

/** What the checking callers find of a proxy that does that with one write in 25. */
async function found(lie: Lie): Promise<readonly string[]> {
  const pool = await PoolChild.start(program, { latency: 1 });
  const checker = new Checker();
  const load = new Load({
    port: await startLyingProxy(pool.port, lie),
    checker,
    users: 4,
    callersPerUser: 3,
    leaveShare: 0,
    leaveWithinMs: 0,
    maxAnswerMs: 1000,
    afterErrorMs: 0,
    random: mulberry32(7),
  });
  onCleanup(() => load.stop());
  await load.run(() => checker.issued < 800);
  await pool.harvest(checker);
  return checker.violations();
}

test('an honest proxy is found to be one', async () => {
  expect(await found('none')).toEqual([]);
});

test.each<[Lie, RegExp]>([
  ['swaps answers', /^n\d+ got the answer of n\d+$/],
  ['mixes up bodies', /^n\d+ got a foreign body/],
  ['sends a write twice', /is unsafe and ran 2 times/],
  ['answers what it never sent', /was answered and did not run/],
  ['says of what ran that it did not', /was said not to have run, and ran/],
  ['answers nothing', /nothing in 1000 ms$/],
  ['closes without an answer', /its connection closed$/],
  ['answers twice', /more than one answer|that nobody asked for/],
  ["uses another's credential", /was answered 404/],
  ['makes up an error', /was answered 418/],
])('a proxy that %s is found out', async (lie, violation) => {
  expect((await found(lie)).filter((what) => violation.test(what))).not.toEqual([]);
});
