/** The promise about primed answers, over random orders of events, reads, writes and GETs. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { command, type Leak, PrimedModel } from './primed-model.ts';

const trials = 3000;

const commands = fc.array(command, { minLength: 1, maxLength: 60, size: 'max' });

function faultsOf(what: typeof commands extends fc.Arbitrary<infer C> ? C : never, leak?: Leak) {
  const model = new PrimedModel(leak);
  for (const one of what) model.run(one);
  model.finish();
  return model.faults;
}

test('a primed answer is one that the pool could have given to the same GET after the event', () => {
  fc.assert(
    fc.property(commands, (what) => {
      expect(faultsOf(what)).toEqual([]);
    }),
    { numRuns: trials },
  );
});

test.each<Leak>(['writes', 'late writes', 'events', 'age', 'fields', 'cookies', 'users', 'once'])(
  'the model finds a proxy that neglects %s',
  (leak) => {
    const found = fc.check(
      fc.property(commands, (what) => faultsOf(what, leak).length === 0),
      { numRuns: 20_000, seed: 7 },
    );
    expect(found.failed).toBe(true);
  },
);

test('random orders reach every end', () => {
  const seen = new Set<string>();
  for (const what of fc.sample(commands, { numRuns: trials, seed: 1 })) {
    const model = new PrimedModel();
    for (const one of what) model.run(one);
    model.finish();
    for (const outcome of model.outcomes) seen.add(outcome);
  }
  expect([...seen].sort()).toEqual(['answered', 'failed', 'followed', 'outdated', 'unused']);
});
