import { loadSettings, type LoadedSettings } from '../../src/settings/load-settings.ts';
import type { Settings } from '../../src/settings/schema.ts';

export interface Given {
  readonly flags?: Record<string, string>;
  readonly env?: Record<string, string>;
  /** The text of `proxy.yaml`. */
  readonly file?: string;
}

/** Loads settings as from these sources. */
export function load({ flags = {}, env = {}, file }: Given): LoadedSettings {
  return loadSettings({
    flags: file === undefined ? flags : { config: 'proxy.yaml', ...flags },
    env,
    readFile: () => file ?? '',
  });
}

/** The settings of sources that are all right. */
export function settingsOf(given: Given): Settings {
  const loaded = load(given);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.settings;
}

/** What is wrong with sources; nothing when they are all right. */
export function problemsOf(given: Given): readonly string[] {
  const loaded = load(given);
  return loaded.ok ? [] : loaded.problems;
}
