/**
 * The settings in force, and the values that the parts of the proxy derive from them. A part keeps one object, and
 * reads it at each use. A change gives all these objects their new values at one instant, and then tells the engines.
 */
import { createHash } from 'node:crypto';
import { effectiveYaml } from '../settings/effective-yaml.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import type { Origin, Origins } from '../settings/origins.ts';
import { changeOf, type SettingsChange } from '../settings/settings-change.ts';

/** Digits of the shown hash. A metric is a double, which has 53 bits. */
const hashDigits = 12;

/** An attempt to read the settings again. */
export interface Reload {
  /** In ms since 1970. */
  readonly atMs: number;
  /** Why the settings are refused; empty if they are valid. */
  readonly problems: readonly string[];
  /** Keys of the last valid settings that need a restart. */
  readonly needRestart: readonly string[];
}

export class LiveSettings {
  /** The settings as read. */
  #base: ServeSettings;
  /** The settings with what lies over them. */
  #current: ServeSettings;
  #over: (settings: ServeSettings) => ServeSettings = (settings) => settings;
  #origins: Origins;
  /** `undefined` until it is asked for. */
  #hash: string | undefined;
  #sinceMs = Date.now();
  #loadedMs = this.#sinceMs;
  #lastReload: Reload = { atMs: this.#sinceMs, problems: [], needRestart: [] };
  /** Each derives values for an object, and returns a function that puts them into it. */
  readonly #updates: Array<(settings: ServeSettings) => () => void> = [];
  readonly #listeners: Array<() => void> = [];

  constructor(settings: ServeSettings, origins: Origins) {
    this.#base = settings;
    this.#current = settings;
    this.#origins = origins;
  }

  get current(): ServeSettings {
    return this.#current;
  }

  /** The settings as they were read, without the switches of the admin port. */
  get base(): ServeSettings {
    return this.#base;
  }

  /** Returns where the value in force comes from. */
  originOf(key: string): Origin | undefined {
    return this.#origins.get(key);
  }

  /** 12 hexadecimal digits. Processes with the same settings in force have the same hash. */
  get hash(): string {
    return (this.#hash ??= hashOf(this.#current));
  }

  /** Time since which these settings are in force, in ms since 1970. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** The last attempt to read the settings again; before it, the start. */
  get lastReload(): Reload {
    return this.#lastReload;
  }

  /** Time of the last attempt without a problem, in ms since 1970. */
  get loadedMs(): number {
    return this.#loadedMs;
  }

  /** Returns an object with the derived values of the settings in force. A change replaces the values in it. */
  derived<T extends object>(derive: (settings: ServeSettings) => T): T {
    // The copy is the object that changes. The settings themselves never do.
    const object = { ...derive(this.#current) };
    this.keep(object, derive);
    return object;
  }

  /** Replaces values in the object after each change. */
  keep<T extends object>(object: T, derive: (settings: ServeSettings) => Partial<T>): void {
    this.#updates.push((settings) => {
      const values = derive(settings);
      return () => void Object.assign(object, values);
    });
  }

  /** Calls the function after each change, when all derived objects have their new values. */
  onChange(changed: () => void): void {
    this.#listeners.push(changed);
  }

  /** Settings that were read again have problems. Those in force stay. */
  refuse(problems: readonly string[]): void {
    this.#lastReload = { ...this.#lastReload, atMs: Date.now(), problems };
  }

  /** Puts settings in force that lie over those that are read, now and after each reading. */
  overlay(over: (settings: ServeSettings) => ServeSettings): void {
    this.#over = over;
    this.#apply(this.#base);
    callEach(this.#listeners);
  }

  /** Changes nothing if it throws: all values are derived before the first one changes. */
  #apply(base: ServeSettings): void {
    const next = this.#over(base);
    const puts = this.#updates.map((derive) => derive(next));
    this.#base = base;
    this.#current = next;
    this.#hash = undefined;
    this.#sinceMs = Date.now();
    for (const put of puts) put();
  }

  /** Puts settings that were read again in force, as far as they can change while the proxy runs. */
  reload(wanted: ServeSettings, origins: Origins): SettingsChange {
    const change = changeOf(this.#base, wanted);
    const hasChanged = change.changed.length > 0;
    if (hasChanged) this.#apply(change.settings);
    this.#loadedMs = Date.now();
    this.#lastReload = { atMs: this.#loadedMs, problems: [], needRestart: change.needRestart };
    const former = this.#origins;
    const kept = change.needRestart.flatMap((key) => {
      const origin = former.get(key);
      return origin === undefined ? [] : [[key, origin] as const];
    });
    this.#origins = new Map([...origins, ...kept]);
    if (hasChanged) callEach(this.#listeners);
    return change;
  }
}

/** Calls each function, also after one that throws. */
function callEach([first, ...others]: ReadonlyArray<() => void>): void {
  try {
    first?.();
  } finally {
    if (others.length > 0) callEach(others);
  }
}

function hashOf(settings: ServeSettings): string {
  return createHash('sha256').update(effectiveYaml(settings)).digest('hex').slice(0, hashDigits);
}
