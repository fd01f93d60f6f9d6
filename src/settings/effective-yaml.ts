import { stringify } from 'yaml';
import { z } from 'zod';
import { type Settings, settingsSchema } from './schema.ts';

/**
 * Settings as a configuration file that yields them again. It needs no masking: the schema, which
 * is applied once more here, takes nothing that holds a secret (see `masked`).
 *
 * @throws a ZodError, which repeats no values, when the settings do not fit the schema
 */
export function effectiveYaml(settings: Settings): string {
  const values = z.encode(settingsSchema, settings as z.output<typeof settingsSchema>);
  return stringify(values, withoutEmptySections, { lineWidth: 0 });
}

function withoutEmptySections(_key: unknown, value: unknown): unknown {
  const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isSection && Object.keys(value).length === 0 ? undefined : value;
}
