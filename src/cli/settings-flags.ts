/** The settings as the commands that need them show and read them. */
import { describeSettings, type SettingRow } from '../settings/describe-settings.ts';
import type { SettingsSources } from '../settings/load-settings.ts';
import type { Flag, GivenArguments, Io } from './command.ts';

/** `--config` and a flag for each setting that has one. */
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

/** All settings, for the end of the help of commands that take them. */
export const settingsNotes = `Flags beat environment variables, which beat the file, which beats defaults.
Lists in environment variables are separated by commas.

Settings, by their keys in the file:
${describeSettings().map(settingText).join('\n')}`;

/** Where these commands have their settings from. */
export function settingsSources({ flags }: GivenArguments, { env, readFile }: Io): SettingsSources {
  return { flags, env, readFile };
}

function settingText(row: SettingRow): string {
  return `  ${row.key}
      ${row.meaning}
      ${row.env}: ${row.accepts} (default: ${defaultText(row)})`;
}

function defaultText({ defaultValue }: SettingRow): string {
  if (defaultValue === undefined) return 'none';
  return typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue);
}
