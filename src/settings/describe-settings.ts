import { z } from 'zod';
import { settingsSchema } from './schema.ts';
import { facts } from './value-kinds.ts';

/** The value of a setting in a file, before it is parsed. */
export type SettingValue = string | number | boolean | readonly string[];

/** Facts about one setting for documentation, help and tests. */
export interface SettingRow {
  /** Path in the file, for example `limits.maxQueuedCalls`. */
  readonly key: string;
  readonly defaultValue: SettingValue | undefined;
  /** Name of the flag without dashes, if the setting has a flag. */
  readonly flag: string | undefined;
  readonly env: string;
  /** Text for accepted values; follows "expected" in messages. */
  readonly accepts: string;
  /** Placeholder for the value in help, for example `MS`. */
  readonly placeholder: string;
  readonly meaning: string;
}

/** A setting with the schema of its value. */
export interface Leaf extends SettingRow {
  readonly schema: z.ZodType;
  /** Text for accepted items, if the value is a list. */
  readonly itemAccepts: string | undefined;
  /** Whether messages omit a refused value, because it may be a secret in the wrong place. */
  readonly isHidden: boolean;
  /** Type that text from a flag or an environment variable is converted to. */
  readonly takes: 'text' | 'number' | 'boolean' | 'list';
}

/** Prefix of the environment variables of settings. */
export const environmentPrefix = 'UCWA_PROXY_';

/** All settings by key, in schema order. */
export const leaves: ReadonlyMap<string, Leaf> = new Map(
  leavesBelow(settingsSchema, []).map((leaf) => [leaf.key, leaf]),
);

/** Returns all settings in schema order. README, help and tests use these rows. */
export function describeSettings(): readonly SettingRow[] {
  return [...leaves.values()];
}

function leavesBelow(section: z.ZodObject, path: readonly string[]): Leaf[] {
  return Object.entries(section.shape).flatMap(([name, schema]) => {
    const childPath = [...path, name];
    const inner = unwrapped(schema as z.ZodType);
    return inner instanceof z.ZodObject
      ? leavesBelow(inner, childPath)
      : [leafOf(schema as z.ZodType, inner, childPath)];
  });
}

function leafOf(schema: z.ZodType, inner: z.ZodType, path: readonly string[]): Leaf {
  const {
    accepts = '',
    placeholder = '',
    flag,
    isHidden = false,
  } = { ...facts.get(inner), ...facts.get(schema) };
  const item = inner instanceof z.ZodArray ? facts.get(inner.element as z.ZodType) : undefined;
  return {
    key: path.join('.'),
    defaultValue: defaultOf(schema),
    flag,
    env: environmentPrefix + path.map(upperSnake).join('_'),
    accepts,
    placeholder,
    meaning: schema.description ?? '',
    schema,
    itemAccepts: item?.accepts,
    isHidden,
    takes: kindOfText(inner, item !== undefined),
  };
}

function kindOfText(inner: z.ZodType, isList: boolean): Leaf['takes'] {
  if (inner instanceof z.ZodNumber) return 'number';
  if (inner instanceof z.ZodBoolean) return 'boolean';
  return isList ? 'list' : 'text';
}

function defaultOf(schema: z.ZodType): SettingValue | undefined {
  return schema instanceof z.ZodPrefault ? (schema.def.defaultValue as SettingValue) : undefined;
}

/** Returns the schema of the value, without its `optional` and `prefault` wrappers. */
function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional
    ? unwrapped(schema.def.innerType as z.ZodType)
    : schema;
}

/** `maxQueuedCalls` -> `MAX_QUEUED_CALLS`. */
function upperSnake(name: string): string {
  return name.replace(/[A-Z]/g, '_$&').toUpperCase();
}
