import type { Settings } from './schema.ts';
import { valuesOf } from './settings-change.ts';

/** The origin of a setting in force. */
export interface Origin {
  /** The source: `default`, `proxy.yaml:3:14`, a flag, or the name of an environment variable. */
  readonly from: string;
  /** The value that the source gives, if the proxy has lowered it to fit the process. */
  readonly loweredFrom?: unknown;
}

/** Origins by key. A list of items is one setting. */
export type Origins = ReadonlyMap<string, Origin>;

/**
 * Returns the origins of all settings.
 *
 * @param given places by key, see `LoadedSettings`
 * @param asked the settings as they were given
 * @param fitted the same settings, with limits that fit the process
 */
export function originsOf(
  given: ReadonlyMap<string, string>,
  asked: Settings,
  fitted: Settings,
): Origins {
  const wanted = valuesOf(asked);
  return new Map(
    Object.entries(valuesOf(fitted)).map(([key, value]) => {
      const from = given.get(key) ?? placeOfItem(given, key) ?? 'default';
      const isLowered = JSON.stringify(wanted[key]) !== JSON.stringify(value);
      return [key, { from, ...(isLowered && { loweredFrom: wanted[key] }) }];
    }),
  );
}

function placeOfItem(given: ReadonlyMap<string, string>, list: string): string | undefined {
  for (const [key, place] of given) if (key.startsWith(`${list}[`)) return place;
  return undefined;
}
