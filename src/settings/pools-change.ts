/** The difference between the pools in force and wanted ones, and what of it can change while the proxy runs. */
import type { Settings } from './schema.ts';

type Pool = Settings['pools'][number];

interface PoolsChange {
  /** The pools to put in force. */
  readonly pools: Settings['pools'];
  /** Keys that change, such as `pools[].hosts`. */
  readonly changed: readonly string[];
  /** Keys that need a restart. It is `pools` if pools come, go, or change their order. */
  readonly needRestart: readonly string[];
}

const serverKeys = ['servers', 'fallback'] as const;

/** The keys of a pool that can change while the proxy runs. */
export const livePoolKeys = ['pools[].hosts', ...serverKeys.map((key) => `pools[].${key}`)];

/**
 * Compares pools. The names of a pool can change. So can its servers, if the pool has several before and after: a pool
 * of one server has no parts that choose a server. The scheme of the servers stays.
 */
export function changeOfPools(inForce: Settings['pools'], wanted: Settings['pools']): PoolsChange {
  if (!sameNames(inForce, wanted)) return { pools: inForce, changed: [], needRestart: ['pools'] };
  const changed = new Set<string>();
  const needRestart = new Set<string>();
  const pools = inForce.map((former, i): Pool => {
    const latter = wanted[i] as Pool;
    const canChange = new Set(['hosts', ...(mayChangeServers(former, latter) ? serverKeys : [])]);
    const result: Record<string, unknown> = { ...former };
    for (const key of keysOf(former, latter)) {
      if (same(former[key], latter[key])) continue;
      if (canChange.has(key)) result[key] = latter[key];
      (canChange.has(key) ? changed : needRestart).add(`pools[].${key}`);
    }
    return result as Pool;
  });
  return { pools, changed: [...changed], needRestart: [...needRestart] };
}

function keysOf(one: Pool, other: Pool): ReadonlySet<keyof Pool> {
  return new Set([...Object.keys(one), ...Object.keys(other)] as Array<keyof Pool>);
}

function sameNames(inForce: Settings['pools'], wanted: Settings['pools']): boolean {
  return same(
    inForce.map(({ name }) => name),
    wanted.map(({ name }) => name),
  );
}

function mayChangeServers(former: Pool, latter: Pool): boolean {
  const [before, after] = [allOf(former), allOf(latter)];
  return before.length > 1 && after.length > 1 && schemeOf(before) === schemeOf(after);
}

function allOf({ servers, fallback }: Pool): readonly string[] {
  return [...servers, ...fallback];
}

function schemeOf([first = '']: readonly string[]): string {
  return first.slice(0, first.indexOf(':'));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
