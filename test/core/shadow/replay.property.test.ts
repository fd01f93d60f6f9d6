import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { replay, replayable } from '../../../src/core/shadow/replay.ts';
import type { TraceCall } from '../../../src/core/shadow/trace.ts';
import { defaults } from '../../support/limited-pool.ts';

const call = fc.record({
  gapMs: fc.constantFrom(0, 0, 0.3, 2, 7, 40, 600),
  user: fc.constantFrom('a', 'b'),
  kind: fc.constantFrom(
    { callClass: 'safe', method: 'GET' } as const,
    { callClass: 'safe', method: 'GET' } as const,
    { callClass: 'unsafe', method: 'PUT' } as const,
    { callClass: 'operation', method: 'POST' } as const,
  ),
  resource: fc.constantFrom('c', 'd', 'e'),
  same: fc.constantFrom('', 'f'),
  tookMs: fc.constantFrom(0, 1, 20, 30, 300, 3000),
  status: fc.constantFrom(200, 200, 200, 404, 500, 0),
});

const policy = fc.record({
  mode: fc.constantFrom('adaptive', 'fixed', 'off'),
  lingerMaxMs: fc.constantFrom(0, 5, 15),
  maxParts: fc.constantFrom(1, 2, 20),
  maxQueuedCallsPerUser: fc.constantFrom(3, 500),
  collapse: fc.boolean(),
  timeoutMs: fc.constantFrom(1000, 30_000),
});

test('each really answered call is answered, refused or failed in the shadow exactly once', () => {
  fc.assert(
    fc.property(
      fc.array(call, { maxLength: 60 }),
      policy,
      fc.constantFrom(1, 4),
      fc.constantFrom(1, 128),
      (steps, changes, maxInFlightPerUser, maxConnections) => {
        let atMs = 0;
        const trace = steps.map(({ gapMs, kind, user, resource, same, ...rest }): TraceCall => {
          atMs += gapMs;
          const sharable = kind.callClass === 'safe' ? same : '';
          const facts = { key: 'k', route: '/me/note', sizeBytes: 300 };
          return { ...rest, ...kind, ...facts, atMs, user, resource, same: sharable };
        });
        const memory = { size: 0, take: () => undefined, keep: () => undefined };
        const options = {
          policy: { ...defaults, ...changes, maxUsers: 10 },
          maxInFlightPerUser,
          maxConnections,
        };
        const tally = replay(replayable(trace), options, memory, () => 0.5);
        const answered = trace.filter(({ status }) => status > 0).length;
        const { answers, failures, refusals } = tally;
        expect(answers + failures).toBeLessThanOrEqual(answered);
        expect(answers + failures + refusals).toBeGreaterThanOrEqual(answered);
        expect(answers + failures + refusals).toBeLessThanOrEqual(trace.length);
        const mayBatch = changes.maxParts > 1 && changes.mode !== 'off';
        expect(mayBatch || tally.batches === 0).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});
