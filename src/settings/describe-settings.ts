import { z } from 'zod';
import { settingsSchema } from './schema.ts';
import { facts } from './value-kinds.ts';

/** A setting's value as it stands in a file. */
export type SettingValue = string | number | boolean | readonly string[];

/** One setting, as documentation, help and tests need it. */
export interface SettingRow {
  /** Its place in the file: `limits.maxQueuedCalls`. */
  readonly key: string;
  readonly defaultValue: SettingValue | undefined;
  /** Without dashes. */
  readonly flag: string | undefined;
  readonly env: string;
  /** What the value must be, to stand after "expected". */
  readonly accepts: string;
  /** How help shows a value. */
  readonly placeholder: string;
  readonly meaning: string;
}

/** A setting with the schema of its value. */
export interface Leaf extends SettingRow {
  readonly schema: z.ZodType;
  /** What an item must be, if the value is a list. */
  readonly itemAccepts: string | undefined;
  /** A refused value is not repeated, as it may be a secret in the wrong place. */
  readonly isHidden: boolean;
  /** What text from a flag or the environment stands for. */
  readonly takes: 'text' | 'number' | 'boolean' | 'list';
}

/** What environment variables for settings begin with. */
export const environmentPrefix = 'UCWA_PROXY_';

/** All settings by key, in the order of the schema. */
export const leaves: ReadonlyMap<string, Leaf> = new Map(
  leavesBelow(settingsSchema, []).map((leaf) => [leaf.key, leaf]),
);

/** The rows of the table of settings, of which README, help and tests are made. */
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

/** The schema of the value itself, without what makes it optional. */
function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional
    ? unwrapped(schema.def.innerType as z.ZodType)
    : schema;
}

/** `maxQueuedCalls` -> `MAX_QUEUED_CALLS`. */
function upperSnake(name: string): string {
  return name.replace(/[A-Z]/g, '_$&').toUpperCase();
}
