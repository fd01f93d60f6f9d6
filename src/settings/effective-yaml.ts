import { stringify } from 'yaml';
import { z } from 'zod';
import { type Settings, settingsSchema } from './schema.ts';

/**
 * Formats settings as a configuration file that loads to the same settings. The schema is applied
 * again, and accepts no value that contains a secret (see `masked`), so no value needs masking.
 *
 * @throws a ZodError without values, if the settings do not fit the schema
 */
export function effectiveYaml(settings: Settings): string {
  const values = z.encode(settingsSchema, settings as z.output<typeof settingsSchema>);
  return stringify(values, withoutEmptySections, { lineWidth: 0 });
}

function withoutEmptySections(_key: unknown, value: unknown): unknown {
  const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isSection && Object.keys(value).length === 0 ? undefined : value;
}
