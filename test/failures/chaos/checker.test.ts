import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mulberry32 } from '../../../src/simulator/pool/prng.ts';
import { onCleanup } from '../../support/cleanup.ts';
import { Program } from '../../support/program.ts';
import { Checker } from './checker.ts';
import { Load } from './load.ts';
import { type Lie, startLyingProxy } from './lying-proxy.ts';
import { PoolChild } from './rig.ts';

let program: Program;
beforeAll(() => {
  program = Program.install();
});
afterAll(() => program.remove());

/**
 * Returns the violations that the checker reports of a proxy that tells this lie for one write in
 * 25.
 */
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

test('the checker reports nothing about an honest proxy', async () => {
  expect(await found('none')).toEqual([]);
});

test.each<[Lie, RegExp]>([
  ['swaps answers', /^n\d+ got the answer of n\d+$/],
  ['mixes up bodies', /^n\d+ got a foreign body/],
  ['sends a write twice', /is unsafe and ran 2 times/],
  ['answers what it never sent', /was answered and did not run/],
  ['denies a call that ran', /was reported as not run, and ran/],
  ['answers nothing', /nothing in 1000 ms$/],
  ['closes without an answer', /its connection closed$/],
  ['answers twice', /more than one answer|without a call/],
  ["uses another's credential", /was answered 404/],
  ['makes up an error', /was answered 418/],
])('the checker catches a proxy that %s', async (lie, violation) => {
  expect((await found(lie)).filter((what) => violation.test(what))).not.toEqual([]);
});
