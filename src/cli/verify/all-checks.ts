import type { Check } from './check.ts';
import { answerChecks } from './checks/answers.ts';
import { batchChecks } from './checks/batches.ts';
import { formChecks } from './checks/forms.ts';
import { signInChecks } from './checks/sign-in.ts';
import { sizeChecks } from './checks/sizes.ts';
import { transportChecks } from './checks/transport.ts';
import { writeChecks } from './checks/writes.ts';

const isLimit = ({ needs }: Check): boolean => needs === 'find-limit';

/** All checks, in the order in which they run. Those that provoke a 429 run last. */
export const allChecks: readonly Check[] = [
  ...transportChecks,
  ...signInChecks,
  ...batchChecks,
  ...sizeChecks.filter((check) => !isLimit(check)),
  ...answerChecks,
  ...formChecks,
  ...writeChecks,
  ...sizeChecks.filter(isLimit),
];
