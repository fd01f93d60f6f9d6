/** The difference between the settings in force and wanted ones, and what of it can change while the proxy runs. */
import * as z from 'zod';
import { notAbove } from './contradictions.ts';
import { changeOfPools, livePoolKeys } from './pools-change.ts';
import { type Settings, settingsSchema } from './schema.ts';

/**
 * The settings that can change while the proxy runs. All others size memory, own sockets or files, or decide which
 * parts exist. Those need a restart.
 */
export const liveKeys: ReadonlySet<string> = new Set([
  'batching.mode',
  'batching.share',
  'batching.verify',
  'batching.lingerMaxMs',
  'batching.exchangeRateMs',
  'batching.maxParts',
  'batching.maxBytes',
  'batching.maxInFlightPerUser',
  'batching.collapse',
  'batching.never',
  'limits.maxCallBytes',
  'limits.maxQueuedCalls',
  'limits.maxQueuedCallsPerUser',
  'limits.maxQueuedBytesPerUser',
  'limits.longPollCounts',
  'drain.delayMs',
  'drain.timeoutMs',
  'log.level',
  'log.access',
  ...livePoolKeys,
]);

export interface SettingsChange {
  /** The settings to put in force. */
  readonly settings: Settings;
  /** Keys of the settings that change. */
  readonly changed: readonly string[];
  /** Keys of the wanted settings that need a restart, in the order of the schema. */
  readonly needRestart: readonly string[];
}

type Values = Readonly<Record<string, unknown>>;

/**
 * Compares the settings in force with wanted ones. A setting that can change stays as it is if it would contradict a
 * setting that needs a restart.
 */
export function changeOf(inForce: Settings, wanted: Settings): SettingsChange {
  const [former, latter] = [valuesOf(inForce), valuesOf(wanted)];
  const differing = [...new Set([...Object.keys(former), ...Object.keys(latter)])].filter(
    (key) => JSON.stringify(former[key]) !== JSON.stringify(latter[key]),
  );
  const changed = new Set(differing.filter((key) => liveKeys.has(key)));
  for (const key of held(inForce, wanted)) changed.delete(key);
  const valueOf = (key: string): number => Number((changed.has(key) ? latter : former)[key]);
  for (const pair of notAbove) {
    if (valueOf(pair[0]) > valueOf(pair[1])) for (const key of pair) changed.delete(key);
  }
  const pools = differing.includes('pools')
    ? changeOfPools(inForce.pools, wanted.pools)
    : undefined;
  const settings = merged(inForce, wanted, changed);
  return {
    settings: pools === undefined ? settings : { ...settings, pools: pools.pools },
    changed: [...(pools?.changed ?? []), ...changed],
    needRestart: differing.flatMap((key) =>
      key === 'pools' ? (pools?.needRestart ?? []) : changed.has(key) ? [] : [key],
    ),
  };
}

/** Returns the keys that cannot change because of other settings in force. */
function held(inForce: Settings, wanted: Settings): readonly string[] {
  const [former, latter] = [inForce.batching.mode, wanted.batching.mode];
  // The shadow has copies of these settings. It exists from the start of the process, or not at all.
  if (former === 'shadow' || latter === 'shadow')
    return [...liveKeys].filter((key) => key.startsWith('batching.'));
  return inForce.record.file !== undefined && latter !== 'off' ? ['batching.mode'] : [];
}

/** The values by key, as a settings file has them. A list of items is one value. */
export function valuesOf(settings: Settings): Values {
  const values: Record<string, unknown> = {};
  const collect = (section: object, path: string): void => {
    for (const [name, value] of Object.entries(section) as Array<[string, unknown]>) {
      if (value === undefined) continue;
      const key = path === '' ? name : `${path}.${name}`;
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) collect(value, key);
      else values[key] = value;
    }
  };
  collect(z.encode(settingsSchema, settings as z.output<typeof settingsSchema>), '');
  return values;
}

/** Takes these keys from the wanted settings, and all others from those in force. All keys have two steps. */
function merged(inForce: Settings, wanted: Settings, keys: ReadonlySet<string>): Settings {
  const settings: Record<string, object> = { ...inForce };
  for (const key of keys) {
    const [section, name] = key.split('.') as [keyof Settings, string];
    const from = wanted[section] as Readonly<Record<string, unknown>>;
    settings[section] = { ...settings[section], [name]: from[name] };
  }
  return settings as unknown as Settings;
}
