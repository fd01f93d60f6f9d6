import { takeConfigFile } from './config-file.ts';
import { contradictions } from './contradictions.ts';
import { distrust, type Findings } from './findings.ts';
import { type Settings, settingsSchema } from './schema.ts';
import { isDisabled, takeOpenTelemetry } from './opentelemetry.ts';
import { takeEnvironment, takeFlags } from './text-sources.ts';

/** Sources of settings. Flags override the environment, and the environment overrides the file. */
export interface SettingsSources {
  /** Values by flag name without dashes; `config` is the path of the file. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Returns the text of a file, or throws if the file cannot be read. */
  readonly readFile: (path: string) => string;
}

/** The settings, or all problems with them, one line each. */
export type LoadedSettings<T = Settings> =
  | {
      readonly ok: true;
      readonly settings: T;
      readonly warnings: readonly string[];
      /** The settings that a source gives, with the place in it. All others have their defaults. */
      readonly given: ReadonlyMap<string, string>;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Settings that name a pool: `upstream.url`, or `pools`. See `poolsOf`. */
export type ServeSettings = Settings;

/** Message for a missing `upstream.url`. */
export const missingUpstream =
  'upstream.url: expected the address of the pool, found nothing; give --upstream URL, ' +
  'UCWA_PROXY_UPSTREAM_URL, or upstream.url or pools in the file of --config FILE';

/** Loads and checks settings; never throws. */
export function loadSettings(sources: SettingsSources): LoadedSettings {
  const { found, settings } = collect(sources);
  return concluded(found, settings);
}

/** Loads and checks settings for a command that needs a pool; never throws. */
export function loadServeSettings(sources: SettingsSources): LoadedSettings {
  const { found, settings } = collect(sources);
  const isBroken = found.broken.has('upstream.url') || found.broken.has('pools');
  if (!isBroken && !namesPool(settings)) found.problems.push(missingUpstream);
  return concluded(found, settings);
}

/** Whether the settings name a pool. */
export function namesPool({ upstream, pools }: Settings): boolean {
  return upstream.url !== undefined || pools.length > 0;
}

function collect({ flags, env, readFile }: SettingsSources): {
  found: Findings;
  settings: Settings;
} {
  const found: Findings = { given: new Map(), broken: new Set(), problems: [], warnings: [] };
  const file = flags['config'];
  const text = file === undefined ? undefined : textOf(found, file, readFile);
  if (file !== undefined && text !== undefined) takeConfigFile(found, file, text);
  takeOpenTelemetry(found, env);
  takeEnvironment(found, env);
  takeFlags(found, flags);
  if (isDisabled(env)) found.given.delete('trace.endpoint');
  const settings: Settings = settingsSchema.parse(nested(found));
  found.problems.push(...contradictions(settings, found));
  return { found, settings };
}

function textOf(
  found: Findings,
  file: string,
  readFile: SettingsSources['readFile'],
): string | undefined {
  try {
    return readFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    distrust(found, '');
    found.problems.push(`${file}: cannot be read: ${reason}`);
    return undefined;
  }
}

/** Returns the given values as a nested object, as the schema expects them. A broken list is left out. */
function nested({ given, broken }: Findings): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, { value }] of given) {
    const list = /^[^[]+(?=\[)/.exec(key)?.[0];
    if (list !== undefined && broken.has(list)) continue;
    // `pools[0].name` has the steps `pools`, `0` and `name`.
    const steps = key.split(/[.[]/).map((step) => step.replace(']', ''));
    const last = steps.pop() ?? '';
    let section = root;
    for (const [i, step] of steps.entries()) {
      const isList = /^\d+$/.test(steps[i + 1] ?? '');
      section = (section[step] ??= isList ? [] : {}) as Record<string, unknown>;
    }
    section[last] = value;
  }
  return root;
}

function concluded<T>({ given, problems, warnings }: Findings, settings: T): LoadedSettings<T> {
  if (problems.length > 0) return { ok: false, problems };
  const places = new Map(Array.from(given, ([key, { place }]) => [key, place]));
  return { ok: true, settings, warnings, given: places };
}
