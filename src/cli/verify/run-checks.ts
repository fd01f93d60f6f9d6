import type { Check, Finding } from './check.ts';
import { BoundReached, NoAnswer } from './pool-session.ts';
import type { World } from './world.ts';

export interface CheckResult extends Finding {
  readonly check: Check;
}

/** Runs the checks one after another. @param allowed the flags that were given */
export async function runChecks(
  checks: readonly Check[],
  world: World,
  allowed: ReadonlySet<string>,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    results.push({ check, ...(await findingOf(check, world, allowed)) });
  }
  return results;
}

async function findingOf(
  check: Check,
  world: World,
  allowed: ReadonlySet<string>,
): Promise<Finding> {
  const { needs, needsBatches } = check;
  if (needs !== undefined && !allowed.has(needs)) {
    return { verdict: 'not known', seen: `not asked; needs --${needs}` };
  }
  if (needsBatches === true && !world.hasBatches) {
    return { verdict: 'not known', seen: 'not asked; batches do not work' };
  }
  try {
    return await check.run(world);
  } catch (error) {
    if (error instanceof BoundReached) {
      return { verdict: 'failed', seen: `not finished: ${error.message}` };
    }
    if (error instanceof NoAnswer) return { verdict: 'failed', seen: error.message };
    throw error;
  }
}
