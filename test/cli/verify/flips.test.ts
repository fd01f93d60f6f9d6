/** Each property of a pool that differs is named by the report. */
import { expect, test } from '@jest/globals';
import { allChecks } from '../../../src/cli/verify/all-checks.ts';
import { isAsBelieved, textReport } from '../../../src/cli/verify/report.ts';
import { startFlippedPool } from '../../support/flipped-pool.ts';
import { batchFlips } from '../../support/pool-flips-of-batches.ts';
import { edgeFlips } from '../../support/pool-flips.ts';
import { runOnly } from '../../support/verify-checks.ts';

test.each([...edgeFlips, ...batchFlips].map((flip) => [flip.name, flip] as const))(
  'the report names a pool that %s',
  async (_name, flip) => {
    const { url } = await startFlippedPool(flip);
    const run = await runOnly(url, ['limit.calls', flip.check], flip);
    const result = run.results.find(({ check: { id } }) => id === flip.check);
    const { verdict = 'different', seen } = flip;
    expect({ ...result, check: undefined }).toMatchObject({
      verdict,
      seen: expect.stringMatching(seen),
    });
    expect(textReport(run)).toContain(`${flip.check}: `);
    const isDifferent = verdict === 'different';
    expect(isAsBelieved(result === undefined ? [] : [result])).toBe(!isDifferent);
  },
);

test('each check that can differ has a flip', () => {
  const flipped = new Set([...edgeFlips, ...batchFlips].map(({ check: id }) => id));
  const others = ['tls.version', 'tls.certificate', 'answers.streaming'];
  expect(allChecks.map(({ id }) => id).filter((id) => !flipped.has(id))).toEqual(others);
});
