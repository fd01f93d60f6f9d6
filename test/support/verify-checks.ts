import { allChecks } from '../../src/cli/verify/all-checks.ts';
import type { Run } from '../../src/cli/verify/report.ts';
import { type Verification, verifyPool } from '../../src/cli/verify/verify-pool.ts';
import type { NamedFlip } from './pool-flips.ts';
import { app } from './ucwa-client.ts';

type Ca = Verification['ca'];

const token = 'cwt=sim-ann';
const never = new Promise<void>(() => undefined);
const unallowed: readonly string[] = [];

/** Runs the checks with these ids, and `batch.accepted` before them. */
export async function runOnly(
  url: string,
  ids: readonly string[],
  flip: Pick<NamedFlip, 'allowed' | 'createsApplication'> & { readonly ca?: Ca } = {},
): Promise<Run> {
  const wanted = new Set(['batch.accepted', ...ids]);
  const { run: report } = await verifyPool(
    {
      pool: new URL(url),
      credential: ['Authorization', `Bearer ${token}`],
      application: flip.createsApplication === true ? undefined : app,
      ca: flip.ca,
      allowed: new Set(flip.allowed ?? unallowed),
      interrupted: never,
    },
    allChecks.filter(({ id }) => wanted.has(id)),
  );
  return report;
}
