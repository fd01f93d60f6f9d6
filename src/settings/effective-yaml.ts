import { stringify } from 'yaml';
import * as z from 'zod';
import { listKeys } from './describe-settings.ts';
import { type Settings, settingsSchema } from './schema.ts';

/**
 * Formats settings as a configuration file that loads to the same settings. The schema is applied
 * again, and accepts no value that contains a secret (see `masked`), so no value needs masking.
 *
 * @throws a ZodError without values, if the settings do not fit the schema
 */
export function effectiveYaml(settings: Settings): string {
  const values = z.encode(settingsSchema, settings as z.output<typeof settingsSchema>);
  return stringify(pruned(values, ''), { lineWidth: 0 });
}

/** Returns the value without empty sections, and without empty lists of items that have keys. */
function pruned(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.length === 0 && listKeys.has(key) ? undefined : value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .map(([name, inner]) => [name, pruned(inner, key === '' ? name : `${key}.${name}`)] as const)
    .filter(([, inner]) => inner !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
