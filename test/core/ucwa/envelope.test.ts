import { expect, test } from '@jest/globals';
import { batchTarget } from '../../../src/core/ucwa/envelope.ts';
import { aKey, app } from '../../support/recording-sink.ts';

test('a batch goes to the batch resource of the application of its calls', () => {
  expect(batchTarget(aKey('ann'))).toBe(`${app}/batch`);
});
