import * as z from 'zod';
import { settingsSchema } from './schema.ts';

/** The JSON schema (draft-07) of a configuration file, for editors and charts. */
export function jsonSchema(): object {
  return z.toJSONSchema(settingsSchema, { target: 'draft-7', io: 'input' });
}
