import { readFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { fitLimits } from '../settings/fit-limits.ts';
import { loadServeSettings, type SettingsSources } from '../settings/load-settings.ts';
import { type Origins, originsOf } from '../settings/origins.ts';
import type { Settings } from '../settings/schema.ts';
import { tlsProblems } from '../settings/tls-files.ts';
import { readKey, readUserHashKey } from '../settings/user-hash-key.ts';

/** Settings with which `serve` can run, or all problems with them, one line each. */
export type CheckedSettings =
  | {
      readonly ok: true;
      /** With limits that fit the process. */
      readonly settings: Settings;
      readonly userHashKey: Buffer | undefined;
      readonly warnings: readonly string[];
      /** Defaults that are lowered, by key. */
      readonly lowered: Readonly<Record<string, number>>;
      readonly origins: Origins;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Loads the settings, checks the files that they name, and fits the limits to the process. Never throws. */
export function loadCheckedSettings(sources: SettingsSources): CheckedSettings {
  const loaded = loadServeSettings(sources);
  const userHash = readUserHashKey(
    loaded.ok ? loaded.settings.log.userHashKeyFile : undefined,
    sources.readFile,
  );
  const problems = [
    ...(loaded.ok ? tlsProblems(loaded.settings, readFileSync) : loaded.problems),
    ...userHash.problems,
    ...(loaded.ok ? tokenProblems(loaded.settings, sources) : []),
  ];
  if (!loaded.ok || problems.length > 0) return { ok: false, problems };
  const { settings, notes, lowered } = fitLimits(loaded.settings, (limits ??= limitsNow()), (key) =>
    loaded.given.has(key),
  );
  return {
    ok: true,
    settings,
    userHashKey: userHash.key,
    warnings: [...loaded.warnings, ...notes],
    lowered,
    origins: originsOf(loaded.given, loaded.settings, settings),
  };
}

function tokenProblems({ admin }: Settings, { readFile }: SettingsSources): readonly string[] {
  return readKey('admin.tokenFile', admin.tokenFile, readFile).problems;
}

/**
 * The limits of the process, read once. A report of Node resolves the name of each peer, so later it would block the
 * event loop while clients are connected.
 */
let limits: ReturnType<typeof limitsNow> | undefined;

function limitsNow() {
  return { heapBytes: getHeapStatistics().heap_size_limit, openFiles: openFilesLimit() };
}

function openFilesLimit(): number | undefined {
  const report = process.report.getReport() as unknown as {
    userLimits?: Record<string, { soft?: number | string }>;
  };
  const soft = report.userLimits?.['open_files']?.soft;
  return typeof soft === 'number' ? soft : undefined;
}
