import { type Leaf, leaves, type SettingValue } from './describe-settings.ts';
import { quoted } from './quoted.ts';

/** A value that fits its setting, and where it came from. */
interface Given {
  readonly value: SettingValue;
  /** `proxy.yaml:3:14`, `--linger` or the name of an environment variable. */
  readonly place: string;
}

/** What the sources of settings gave; collected source by source, the weakest first. */
export interface Findings {
  /** By key; a stronger source replaces what a weaker one gave. */
  readonly given: Map<string, Given>;
  /** Keys of which it is not known what was meant, as some source has a fault there. */
  readonly broken: Set<string>;
  /** One line each. */
  readonly problems: string[];
  readonly warnings: string[];
}

/**
 * Takes one value from one source if it fits, and complains if not.
 *
 * @param itemPlaces where the items of a list stand, if they have places of their own
 */
export function take(
  found: Findings,
  leaf: Leaf,
  value: unknown,
  place: string,
  itemPlaces: readonly string[] = [],
): void {
  const { error } = leaf.schema.safeParse(value);
  if (!error) {
    found.given.set(leaf.key, { value: value as SettingValue, place });
    return;
  }
  found.broken.add(leaf.key);
  if (leaf.takes !== 'list' || !Array.isArray(value)) {
    const what = leaf.isHidden && typeof value === 'string' ? 'other text' : shown(value);
    found.problems.push(complaint(place, leaf.key, leaf.accepts, what));
    return;
  }
  for (const index of new Set(error.issues.map(({ path }) => Number(path[0])))) {
    const itemPlace = itemPlaces[index] ?? place;
    const itemKey = `${leaf.key}[${index}]`;
    found.problems.push(complaint(itemPlace, itemKey, leaf.itemAccepts ?? '', shown(value[index])));
  }
}

/** Notes that what a section (`` for all) holds is not known, so that nothing is concluded from it. */
export function distrust(found: Findings, section: string): void {
  for (const key of leaves.keys()) {
    if (section === '' || key === section || key.startsWith(`${section}.`)) found.broken.add(key);
  }
}

/** The form of all complaints about values. */
export function complaint(place: string, key: string, expected: string, what: string): string {
  return `${place} ${key}: expected ${expected}, found ${what}`;
}

/** A value as messages show it: quoted if it is text, with its type. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a mapping';
  const text = typeof value === 'string' ? quoted(value) : JSON.stringify(value);
  return `${text} (${typeof value})`;
}
