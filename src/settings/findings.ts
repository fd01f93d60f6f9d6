import {
  type ItemLeaf,
  type Leaf,
  leaves,
  listKeys,
  type SettingValue,
} from './describe-settings.ts';
import { quoted } from './quoted.ts';

/** A valid value of a setting, and the place where it was given. */
interface Given {
  readonly value: SettingValue;
  /** `proxy.yaml:3:14`, `--linger` or the name of an environment variable. */
  readonly place: string;
}

/** Everything found in the sources of settings. Sources are read in order of increasing precedence. */
export interface Findings {
  /** Valid values by key, such as `upstream.url` and `pools[0].name`; a later source overrides an earlier one. */
  readonly given: Map<string, Given>;
  /** Keys with an unknown intended value, because a source has a mistake there. */
  readonly broken: Set<string>;
  /** One line for each problem. */
  readonly problems: string[];
  readonly warnings: string[];
}

/**
 * Records one value from one source, or a problem if the value does not fit the setting.
 *
 * @param place source of the value, for example `proxy.yaml:3:14`
 * @param itemPlaces places of the items of a list, if known
 */
export function take(
  found: Findings,
  leaf: Leaf | ItemLeaf,
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
    const what = leaf.isHidden && typeof value === 'string' ? 'other text' : shown(value, place);
    found.problems.push(complaint(place, leaf.key, leaf.accepts, what));
    return;
  }
  for (const index of new Set(error.issues.map(({ path }) => Number(path[0])))) {
    const itemPlace = itemPlaces[index] ?? place;
    const itemKey = `${leaf.key}[${index}]`;
    found.problems.push(
      complaint(itemPlace, itemKey, leaf.itemAccepts ?? '', shown(value[index], itemPlace)),
    );
  }
}

/** Marks all keys of a section as broken; an empty name marks all settings. */
export function distrust(found: Findings, section: string): void {
  for (const key of [...leaves.keys(), ...listKeys]) {
    if (section === '' || key === section || key.startsWith(`${section}.`)) found.broken.add(key);
  }
}

/** Formats the message about a value that does not fit. The name of a flag or a variable stands for the key. */
export function complaint(place: string, key: string, expected: string, what: string): string {
  const name = givesText(place) ? place : `${place} ${key}`;
  return `${name}: expected ${expected}, found ${what}`;
}

/** Formats a value for messages, with its type if a file gave it. Text is quoted and without secrets. */
export function shown(value: unknown, place = ''): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a mapping';
  const text = typeof value === 'string' ? quoted(value) : JSON.stringify(value);
  return givesText(place) ? text : `${text} (${typeof value})`;
}

/** Whether a place is a flag or an environment variable. Each of their values is text. */
function givesText(place: string): boolean {
  return /^(?:--|(?:UCWA_PROXY|OTEL)_[A-Z\d_]+$)/.test(place);
}
