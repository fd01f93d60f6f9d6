/**
 * The switches of the admin port: `POST /batching` and `POST /log`. A switch lies over the settings in force for some
 * minutes, also while these are read again. It ends by itself.
 */
import type { AdminAnswer } from '../admin/admin-server.ts';
import type { Log } from '../log/log.ts';
import { leaves } from '../settings/describe-settings.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import type { LiveSettings } from './live-settings.ts';

interface Switch {
  readonly key: 'batching.mode' | 'batching.never' | 'log.level';
  readonly value: string;
  readonly untilMs: number;
  readonly timer: NodeJS.Timeout;
}

const usualMinutes = 60;
/** A week. Timers of Node hold at most 24 days. */
const maxMinutes = 10_080;
/** Bounds the memory for switches, and the pattern that each call is compared with. */
const maxSwitches = 50;
const minuteMs = 60_000;
/** The value that ends a switch. */
const fromSettings = 'settings';

export class Switches {
  readonly #live: LiveSettings;
  readonly #log: Pick<Log, 'warn'>;
  readonly #minuteMs: number;
  /** By setting and, for paths, by pattern. */
  readonly #switches = new Map<string, Switch>();

  /** @param ofMinuteMs length of a minute, which tests can make shorter */
  constructor(live: LiveSettings, log: Pick<Log, 'warn'>, ofMinuteMs = minuteMs) {
    this.#live = live;
    this.#log = log;
    this.#minuteMs = ofMinuteMs;
  }

  /** Answers an authorized request. */
  apply(path: string, query: string): AdminAnswer {
    const given = new Map(new URLSearchParams(query));
    const known = path === '/log' ? ['level', 'minutes'] : ['mode', 'route', 'minutes'];
    const names = [...new URLSearchParams(query).keys()];
    const wrong = names.find((name, i) => !known.includes(name) || names.indexOf(name) !== i);
    if (wrong !== undefined) return refused(400, `expected each of ${known.join(', ')} once`);
    const minutes = given.get('minutes') ?? String(usualMinutes);
    if (!/^[1-9]\d{0,4}$/.test(minutes) || Number(minutes) > maxMinutes)
      return refused(400, `minutes: expected a whole number from 1 to ${maxMinutes}`);
    const problem =
      path === '/log'
        ? this.#setLevel(given.get('level'), Number(minutes))
        : this.#setBatching(given.get('mode'), given.get('route'), Number(minutes));
    return problem ?? { status: 200, body: { switches: this.report() } };
  }

  report(): ReadonlyArray<Readonly<Record<'setting' | 'value' | 'until', string>>> {
    return Array.from(this.#switches.values(), ({ key, value, untilMs }) => ({
      ...{ setting: key, value, until: new Date(untilMs).toISOString() },
    }));
  }

  stop(): void {
    for (const { timer } of this.#switches.values()) clearTimeout(timer);
  }

  #setLevel(level: string | undefined, minutes: number): AdminAnswer | undefined {
    if (level !== fromSettings && !isValid('log.level', level))
      return refused(400, `level: expected ${leaves.get('log.level')?.accepts ?? ''}, or settings`);
    return this.#set('log.level', level, 'log.level', minutes);
  }

  #setBatching(
    mode: string | undefined,
    route: string | undefined,
    minutes: number,
  ): AdminAnswer | undefined {
    if (mode !== fromSettings && (mode === 'shadow' || !isValid('batching.mode', mode)))
      return refused(400, 'mode: expected off, adaptive, fixed or settings');
    if (route !== undefined) {
      if (mode !== 'off' && mode !== fromSettings)
        return refused(400, 'route: expected mode=off or mode=settings beside it');
      if (!isValid('batching.never', [route]))
        return refused(400, 'route: expected a path pattern below the application');
      const value = mode === 'off' ? route : fromSettings;
      return this.#set(`batching.never ${route}`, value, 'batching.never', minutes);
    }
    const { batching, record } = this.#live.base;
    if (batching.mode === 'shadow') return refused(409, 'mode shadow batches nothing');
    if (record.file !== undefined && mode !== 'off' && mode !== fromSettings)
      return refused(409, 'a recording needs mode off');
    return this.#set('batching.mode', mode, 'batching.mode', minutes);
  }

  #set(name: string, value: string, key: Switch['key'], minutes: number): AdminAnswer | undefined {
    const former = this.#switches.get(name);
    if (value === fromSettings) {
      if (former !== undefined) this.#end(name, 'a switch was ended');
      return undefined;
    }
    if (former === undefined && this.#switches.size >= maxSwitches)
      return refused(409, `at most ${maxSwitches} switches`);
    clearTimeout(former?.timer);
    const ms = minutes * this.#minuteMs;
    const timer = setTimeout(() => this.#end(name, 'a switch has ended'), ms).unref();
    this.#switches.set(name, { key, value, untilMs: Date.now() + ms, timer });
    this.#live.overlay((settings) => this.#over(settings));
    this.#log.warn('a switch was set', { setting: key, value, minutes });
    return undefined;
  }

  #end(name: string, message: string): void {
    const ended = this.#switches.get(name);
    if (ended === undefined) return;
    clearTimeout(ended.timer);
    this.#switches.delete(name);
    this.#live.overlay((settings) => this.#over(settings));
    this.#log.warn(message, { setting: ended.key, value: ended.value });
  }

  #over(settings: ServeSettings): ServeSettings {
    const { batching, log } = settings;
    const mode = this.#switches.get('batching.mode')?.value ?? batching.mode;
    const level = this.#switches.get('log.level')?.value ?? log.level;
    const routes = [...this.#switches.values()]
      .filter(({ key }) => key === 'batching.never')
      .map(({ value }) => value);
    return {
      ...settings,
      batching: {
        ...batching,
        mode: mode as typeof batching.mode,
        never: [...batching.never, ...routes],
      },
      log: { ...log, level: level as typeof log.level },
    };
  }
}

function isValid<T>(key: string, value: T | undefined): value is T {
  return value !== undefined && leaves.get(key)?.schema.safeParse(value).success === true;
}

function refused(status: number, problem: string): AdminAnswer {
  return { status, body: { problem } };
}
