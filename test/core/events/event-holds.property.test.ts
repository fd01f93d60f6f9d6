/** The promises about held answers, over random orders of operations, answers and ends. */
import { test } from '@jest/globals';
import fc from 'fast-check';
import { command, HoldsModel } from './holds-model.ts';

const trials = 3000;

test('each answer is released once, after its 201, in the order of its chain, and in time', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
      const model = new HoldsModel();
      for (const what of commands) model.run(what);
      model.finish();
    }),
    { numRuns: trials },
  );
});
