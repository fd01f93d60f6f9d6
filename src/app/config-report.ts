import { valuesOf } from '../settings/settings-change.ts';
import type { LiveSettings } from './live-settings.ts';
import type { Proof } from './proof.ts';
import type { Switches } from './switches.ts';

/** Returns the answer of `/config`. The settings have no secrets, only the paths of files with secrets. */
export function configReport(
  live: LiveSettings,
  switches: Switches,
  proof: Pick<Proof, 'report'>,
): object {
  const { atMs, problems, needRestart } = live.lastReload;
  const set = switches.report();
  const switched = new Set(set.map(({ setting }) => setting));
  return {
    hash: live.hash,
    since: timeOf(live.sinceMs),
    lastRead: { at: timeOf(atMs), successful: problems.length === 0, problems, needRestart },
    switches: set,
    ...proof.report(),
    settings: Object.fromEntries(
      Object.entries(valuesOf(live.current)).map(([key, value]) => [
        key,
        { value, ...live.originOf(key), ...(switched.has(key) && { from: 'switch' }) },
      ]),
    ),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
