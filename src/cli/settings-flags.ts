/** Flags and help for the commands that load settings. */
import {
  describeLists,
  describeSettings,
  type ItemRow,
  type SettingRow,
} from '../settings/describe-settings.ts';
import type { SettingsSources } from '../settings/load-settings.ts';
import type { Flag, GivenArguments, Io } from './command.ts';

/** The flag `--config`, and the flags of settings. */
export const settingsFlags: readonly Flag[] = [
  { name: 'config', placeholder: 'FILE', meaning: 'YAML file with settings' },
  ...describeSettings().flatMap((row) =>
    row.flag === undefined
      ? []
      : [
          {
            name: row.flag,
            placeholder: row.placeholder,
            meaning: `${row.key}: ${row.meaning} (default: ${defaultText(row)})`,
          },
        ],
  ),
];

/** Help on the sources of settings. */
export const settingsNotes =
  'Flags override environment variables, variables override the file, the file overrides defaults.';

/** Help on all settings, for the long help of a command. */
export const settingsLongNotes = `Commas separate the items of a list in an environment variable.

Settings, by their keys in the file:
${describeSettings().map(settingText).join('\n')}

Keys of the items of lists, only in the file:
${describeLists()
  .flatMap(({ items }) => items)
  .map(itemText)
  .join('\n')}`;

/** Returns the sources of settings for a command. */
export function settingsSources({ flags }: GivenArguments, { env, readFile }: Io): SettingsSources {
  return { flags, env, readFile };
}

function settingText(row: SettingRow): string {
  return `  ${row.key}
      ${row.meaning}
      ${row.env}: ${row.accepts} (default: ${defaultText(row)})`;
}

function itemText(row: ItemRow): string {
  const otherwise = row.isRequired ? 'required' : `default: ${defaultText(row)}`;
  return `  ${row.key}
      ${row.meaning}
      ${row.accepts} (${otherwise})`;
}

function defaultText({ defaultValue }: Pick<SettingRow, 'defaultValue'>): string {
  if (defaultValue === undefined) return 'none';
  return typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue);
}
