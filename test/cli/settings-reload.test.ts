import { expect, jest, test } from '@jest/globals';
import { configReport } from '../../src/app/config-report.ts';
import { LiveSettings } from '../../src/app/live-settings.ts';
import { Switches } from '../../src/app/switches.ts';
import { loadCheckedSettings } from '../../src/cli/checked-settings.ts';
import { createReload } from '../../src/cli/settings-reload.ts';

const wantedBytes = 17_179_869_184;
/** The reading of this text throws an exception. */
const bug = 'bug';

/** The settings of a file that the test can replace. */
function start(first: string) {
  let text = first;
  const lines: string[] = [];
  const write = (message: string, facts: object = {}): void =>
    void lines.push(`${message} ${JSON.stringify(facts)}`);
  const failure = (message: string, error: unknown) =>
    write(message, { error: (error as Error).name });
  const log = { info: write, warn: write, error: write, failure };
  const load = () => {
    if (text === bug) throw new RangeError(`about ${text}`);
    return loadCheckedSettings({
      flags: { config: 'proxy.yaml', mode: 'fixed', upstream: 'http://pool.example' },
      env: { UCWA_PROXY_BATCHING_MAX_PARTS: '7' },
      readFile: () => text,
    });
  };
  const checked = load();
  if (!checked.ok) throw new Error(checked.problems.join('\n'));
  const settings = new LiveSettings(checked.settings, checked.origins);
  const switches = new Switches(settings, { warn: write });
  const reload = createReload({ settings, load, log });
  return {
    settings,
    config: () => configReport(settings, switches, { report: () => ({}) }),
    lines,
    read: (next: string): void => {
      text = next;
      reload('file');
    },
  };
}

test('/config shows the settings in force with their origins, and the last reading', () => {
  const more = `limits: { maxQueuedBytes: ${wantedBytes} }\nlisten: { h2c: true }`;
  const { config, read } = start(`${more}\nbatching: { lingerMaxMs: 9 }`);
  const before = config();
  expect(before).toMatchObject({
    hash: expect.stringMatching(/^[\da-f]{12}$/),
    lastRead: { successful: true, problems: [], needRestart: [] },
    settings: {
      'upstream.url': { value: 'http://pool.example', from: '--upstream' },
      'batching.lingerMaxMs': { value: 9, from: 'proxy.yaml:3:26' },
      'batching.mode': { value: 'fixed', from: '--mode' },
      'batching.maxParts': { value: 7, from: 'UCWA_PROXY_BATCHING_MAX_PARTS' },
      'batching.collapse': { value: true, from: 'default' },
      'limits.maxQueuedBytes': { from: 'proxy.yaml:1:27', loweredFrom: wantedBytes },
    },
  });

  // A setting that needs a restart keeps its value, and the place of that value.
  read(`# one line more\n${more.replace('true', 'false')}\nbatching: { lingerMaxMs: 8 }`);
  const after = config();
  expect(after).toMatchObject({
    lastRead: { successful: true, needRestart: ['listen.h2c'] },
    settings: {
      'batching.lingerMaxMs': { value: 8, from: 'proxy.yaml:4:26' },
      'listen.h2c': { value: true, from: 'proxy.yaml:2:16' },
    },
  });

  read('batching: { maxParts: none, lingerMaxMs: 1 }');
  expect(config()).toEqual({
    ...after,
    lastRead: {
      at: expect.any(String),
      successful: false,
      problems: [expect.stringContaining('batching.maxParts')],
      needRestart: ['listen.h2c'],
    },
  });
});

test('a file with many mistakes is refused with a bounded number of lines', () => {
  const { read, lines } = start('');
  read(Array.from({ length: 100 }, (_, i) => `wrong${i}: 1`).join('\n'));
  expect(lines).toHaveLength(21);
  expect(lines[0]).toBe(
    'the settings are refused: those in force stay {"cause":"file","problems":100}',
  );
});

test('derived objects change together, before the first listener is told', () => {
  const { settings, read } = start('batching: { lingerMaxMs: 9 }');
  const hold = settings.derived(({ batching }) => ({ ms: batching.lingerMaxMs }));
  const drain = settings.derived((now) => now.drain);
  const former = settings.current;
  const seen: unknown[] = [];
  settings.onChange(() => seen.push([hold.ms, drain.delayMs]));
  read('batching: { lingerMaxMs: 3 }\ndrain: { delayMs: 4 }');
  expect(seen).toEqual([[3, 4]]);
  expect([former.batching.lingerMaxMs, former.drain.delayMs]).toEqual([9, 1000]);
  read('batching: { lingerMaxMs: 3 }\ndrain: { delayMs: 4 } # unchanged');
  expect(seen).toHaveLength(1);
});

test('a reading while clients are connected asks Node for no report, which resolves the name of each peer', () => {
  const { read, settings } = start('batching: { lingerMaxMs: 9 }');
  const getReport = jest.spyOn(process.report, 'getReport');
  read('batching: { lingerMaxMs: 11 }');
  expect(settings.current.batching.lingerMaxMs).toBe(11);
  expect(getReport).not.toHaveBeenCalled();
});

const oneLine =
  'an internal error has interrupted the reading of the settings {"error":"RangeError"}';

test('an exception in a reading is one line, and the next reading works', () => {
  const { settings, lines, read } = start('batching: { lingerMaxMs: 9 }');
  read(bug);
  expect(lines).toEqual([oneLine]);
  expect(settings.current.batching.lingerMaxMs).toBe(9);
  expect(settings.lastReload.problems).toHaveLength(1);
  read('batching: { lingerMaxMs: 8 }');
  expect(settings.current.batching.lingerMaxMs).toBe(8);
  expect(settings.lastReload.problems).toEqual([]);
});

test('an exception while values are derived leaves all values as they are', () => {
  const { settings, config, lines, read } = start('batching: { lingerMaxMs: 9 }');
  const hold = settings.derived(({ batching }) => ({ ms: batching.lingerMaxMs }));
  settings.derived(({ batching }) => {
    if (batching.lingerMaxMs === 3) throw new RangeError('three');
    return {};
  });
  const before = config();
  read('\nbatching: { lingerMaxMs: 3 }');
  expect(lines).toEqual([oneLine]);
  expect(hold.ms).toBe(9);
  const lastRead: unknown = expect.objectContaining({ successful: false });
  expect(config()).toEqual({ ...before, lastRead });
});

test('an exception of one listener is one line, and the other listeners are told', () => {
  const { settings, lines, read } = start('batching: { lingerMaxMs: 9 }');
  let told = 0;
  settings.onChange(() => {
    throw new RangeError('listener');
  });
  settings.onChange(() => (told += 1));
  read('batching: { lingerMaxMs: 3 }');
  expect([told, settings.current.batching.lingerMaxMs]).toEqual([1, 3]);
  expect(lines).toEqual([oneLine]);
});
