import { loadSettings, type LoadedSettings } from '../../src/settings/load-settings.ts';
import type { Settings } from '../../src/settings/schema.ts';

export interface Given {
  readonly flags?: Record<string, string>;
  readonly env?: Record<string, string>;
  /** The text of `proxy.yaml`. */
  readonly file?: string;
}

/** Loads settings from these sources. */
export function load({ flags = {}, env = {}, file }: Given): LoadedSettings {
  return loadSettings({
    flags: file === undefined ? flags : { config: 'proxy.yaml', ...flags },
    env,
    readFile: () => file ?? '',
  });
}

/** Loads settings, and throws if a source has a problem. */
export function settingsOf(given: Given): Settings {
  const loaded = load(given);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.settings;
}

/** Returns the problems with the sources; empty if they are valid. */
export function problemsOf(given: Given): readonly string[] {
  const loaded = load(given);
  return loaded.ok ? [] : loaded.problems;
}
