import * as z from 'zod';
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
export interface Leaf extends SettingRow, Readable {}

/** Facts about a key of the items of a list, such as `pools[].name`. Only a file can set it. */
export interface ItemRow extends Omit<SettingRow, 'flag' | 'env'> {
  /** Whether each item must have this key. */
  readonly isRequired: boolean;
}

/** A key of the items of a list, with the schema of its value. */
export interface ItemLeaf extends ItemRow, Readable {}

/** A list with items that have keys of their own. */
export interface ListRow {
  /** Path in the file, for example `pools`. */
  readonly key: string;
  readonly meaning: string;
  readonly items: readonly ItemRow[];
}

/** Facts for reading a value from a source. */
interface Readable {
  readonly schema: z.ZodType;
  /** Text for accepted items, if the value is a list. */
  readonly itemAccepts: string | undefined;
  /** Whether messages omit a refused value, because it may be a secret in the wrong place. */
  readonly isHidden: boolean;
  /** Type that text from a flag or an environment variable is converted to. */
  readonly takes: 'text' | 'number' | 'fraction' | 'boolean' | 'list';
}

/** Prefix of the environment variables of settings. */
export const environmentPrefix = 'UCWA_PROXY_';

/** All settings but lists of items with keys of their own, by key, in schema order. */
export const leaves: ReadonlyMap<string, Leaf> = new Map(
  leavesBelow(settingsSchema, []).map((leaf) => [leaf.key, leaf]),
);

/** The keys of items of lists, by key with `[]`, in schema order. */
export const itemLeaves = new Map<string, ItemLeaf>();

/** The lists with items that have keys of their own, in schema order. */
const lists: readonly ListRow[] = listsBelow(settingsSchema, []);

/** The keys of these lists. */
export const listKeys: ReadonlySet<string> = new Set(lists.map(({ key }) => key));

/** Returns all settings in schema order. README, help and tests use these rows. */
export function describeSettings(): readonly SettingRow[] {
  return [...leaves.values()];
}

/** Returns the lists with items that have keys of their own, in schema order. */
export function describeLists(): readonly ListRow[] {
  return lists;
}

function leavesBelow(section: z.ZodObject, path: readonly string[]): Leaf[] {
  return Object.entries(section.shape).flatMap(([name, schema]) => {
    const childPath = [...path, name];
    const inner = unwrapped(schema as z.ZodType);
    if (inner instanceof z.ZodObject) return leavesBelow(inner, childPath);
    return itemsOf(inner) === undefined ? [leafOf(schema as z.ZodType, inner, childPath)] : [];
  });
}

function listsBelow(section: z.ZodObject, path: readonly string[]): ListRow[] {
  return Object.entries(section.shape).flatMap(([name, schema]) => {
    const childPath = [...path, name];
    const inner = unwrapped(schema as z.ZodType);
    if (inner instanceof z.ZodObject) return listsBelow(inner, childPath);
    const item = itemsOf(inner);
    if (item === undefined) return [];
    const items = leavesBelow(item, [...path, `${name}[]`]).map((leaf): ItemLeaf => ({
      ...leaf,
      isRequired: !(leaf.schema instanceof z.ZodPrefault || leaf.schema instanceof z.ZodOptional),
    }));
    for (const leaf of items) itemLeaves.set(leaf.key, leaf);
    const { description: meaning = '' } = schema as z.ZodType;
    return [{ key: childPath.join('.'), meaning, items }];
  });
}

/** Returns the schema of the items, if the value is a list of items with keys of their own. */
function itemsOf(inner: z.ZodType): z.ZodObject | undefined {
  if (!(inner instanceof z.ZodArray)) return undefined;
  const item = unwrapped(inner.element as z.ZodType);
  return item instanceof z.ZodObject ? item : undefined;
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
  if (inner instanceof z.ZodNumberFormat) return 'number';
  if (inner instanceof z.ZodNumber) return 'fraction';
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
