/** The settings that a run proved, as a file that `check-config --config` accepts. */
import type { ProvedSettings } from './check.ts';
import type { CheckResult } from './run-checks.ts';

type Key = keyof ProvedSettings;
type Value = string | number | boolean | readonly string[];

/** A value, and the checks that decided it. */
interface Decided {
  readonly value: Value;
  readonly by: readonly string[];
}

/** Returns the more careful of two values of a setting. */
function careful(key: Key, one: Value, other: Value): Value {
  switch (key) {
    case 'batching.mode':
      return one === 'off' ? one : other;
    case 'upstream.connectionAuth':
      return one === 'bind' ? one : other;
    case 'batching.maxParts':
    case 'batching.maxBytes':
      return Math.min(Number(one), Number(other));
    case 'batching.never':
      return [...new Set([one, other].flatMap((list) => list as readonly string[]))];
    default:
      return other;
  }
}

/** Returns the settings that the results decide, by key. */
export function provedSettings(results: readonly CheckResult[]): ReadonlyMap<Key, Decided> {
  const decided = new Map<Key, Decided>();
  for (const { check, settings = {} } of results) {
    for (const [name, value] of Object.entries(settings) as Array<[Key, Value]>) {
      const earlier = decided.get(name);
      if (earlier === undefined) {
        decided.set(name, { value, by: [check.id] });
        continue;
      }
      const kept = careful(name, earlier.value, value);
      const isList = Array.isArray(kept);
      const by = isList || kept === earlier.value ? earlier.by : [];
      const joins = isList || kept === value;
      decided.set(name, { value: kept, by: joins ? [...by, check.id] : by });
    }
  }
  return decided;
}

/**
 * Returns the profile as YAML. JSON scalars and lists are YAML.
 *
 * @param origin the pool, as the settings take it
 */
export function poolProfile(origin: string, results: readonly CheckResult[]): string {
  const lines = [
    '# Written by ucwa-batch-proxy verify. Each setting names the checks that decided it.',
    '# Add the other settings of the proxy, such as listen.address.',
  ];
  const decided = provedSettings(results);
  const sections = new Map<string, string[]>([['upstream', [`  url: ${JSON.stringify(origin)}`]]]);
  for (const [key, { value, by }] of decided) {
    const [section = '', name = '', leaf] = key.split('.');
    const own = sections.get(section) ?? [];
    sections.set(section, own);
    own.push(`  # ${by.join(', ')}`);
    if (leaf === undefined) own.push(`  ${name}: ${JSON.stringify(value)}`);
    else own.push(`  ${name}:`, `    ${leaf}: ${JSON.stringify(value)}`);
  }
  for (const [section, own] of sections) lines.push(`${section}:`, ...own);
  return `${lines.join('\n')}\n`;
}
