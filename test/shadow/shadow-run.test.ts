import { expect, test } from '@jest/globals';
import { ShadowRun } from '../../src/shadow/shadow-run.ts';
import { defaults } from '../support/limited-pool.ts';
import { arrivalOf } from '../support/played-call.ts';
import { silentCaller } from '../support/silent-caller.ts';

test('an error in the shadow ends it: it is told once, and nothing follows', () => {
  const said: string[] = [];
  let rings: (() => void) | undefined;
  const run = new ShadowRun(
    { policy: defaults, maxInFlightPerUser: 4, maxConnections: 10 },
    {
      clock: {
        now: () => 5,
        setTimer(_atMs, ring) {
          rings = ring;
          return () => undefined;
        },
      },
      memory: {
        size: 0,
        take: () => {
          throw new Error('broken');
        },
        keep: () => undefined,
      },
      random: () => 0.5,
      report: {
        requestSent: () => void said.push('request'),
        answered: () => void said.push('answered'),
        failed: () => void said.push('failed'),
        refused: () => void said.push('refused'),
        broke: () => void said.push('counted'),
      },
      broke: (error) => void said.push(String(error)),
    },
  );
  const arrival = { ...arrivalOf('ann', { path: 'me' }), caller: silentCaller() };
  const observed = run.arrives(arrival, 1);
  expect(said).toEqual(['counted', 'Error: broken']);
  observed.ended({ tookMs: 1, status: 200 }, 2);
  observed.over(2);
  run.arrives(arrival, 3).left(4);
  run.barrier('ann', 4);
  run.passedThrough('ann', 1, false, 4);
  run.drain(5);
  rings?.();
  expect(said).toHaveLength(2);
  expect(run.summary).toBe('no call came that could have been batched');
});
