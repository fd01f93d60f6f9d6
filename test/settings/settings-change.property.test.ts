import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { effectiveYaml } from '../../src/settings/effective-yaml.ts';
import type { Settings } from '../../src/settings/schema.ts';
import { changeOf, liveKeys, valuesOf } from '../../src/settings/settings-change.ts';
import { describeLists, describeSettings } from '../../src/settings/describe-settings.ts';
import { fileOf, givenSettings, withoutContradictions } from './any-settings.ts';
import { problemsOf, settingsOf } from './load.ts';

/** Many keys that can change, and a few others that they can contradict. */
const others = [
  'upstream.timeoutMs',
  'limits.maxQueuedBytes',
  'limits.maxConnections',
  'record.file',
  'listen.compress',
];
const settings: fc.Arbitrary<Settings> = givenSettings.map((given) => {
  const kept = Object.entries(given).filter(([key]) => liveKeys.has(key) || others.includes(key));
  return settingsOf({ file: fileOf(withoutContradictions(Object.fromEntries(kept))) });
});

test('a change puts valid settings in force: the wanted ones that can change, and all others as they were', () => {
  fc.assert(
    fc.property(settings, settings, (inForce, wanted) => {
      const before = [valuesOf(inForce), valuesOf(wanted)] as const;
      const change = changeOf(inForce, wanted);
      // Settings are values: nothing changes in place.
      expect([valuesOf(inForce), valuesOf(wanted)]).toEqual(before);
      const now = valuesOf(change.settings);
      for (const key of new Set([...Object.keys(before[0]), ...Object.keys(before[1])])) {
        const from = change.changed.includes(key) ? before[1] : before[0];
        expect([key, now[key]]).toEqual([key, from[key]]);
        const isWanted = JSON.stringify(now[key]) === JSON.stringify(before[1][key]);
        expect([key, isWanted]).toEqual([key, !change.needRestart.includes(key)]);
      }
      expect(change.changed.filter((key) => !liveKeys.has(key))).toEqual([]);
      // The program would start with these settings.
      expect(problemsOf({ file: effectiveYaml(change.settings) })).toEqual([]);
      // A second attempt changes nothing, and names the same settings.
      expect(changeOf(change.settings, wanted)).toEqual({
        settings: change.settings,
        changed: [],
        needRestart: change.needRestart,
      });
    }),
    { numRuns: 40 },
  );
});

test('every key that can change is a setting', () => {
  const items = describeLists().flatMap((list) => list.items);
  const keys = new Set([...describeSettings(), ...items].map(({ key }) => key));
  expect([...liveKeys].filter((key) => !keys.has(key))).toEqual([]);
});

test('the page of the settings lists the keys that can change', () => {
  const page = readFileSync('docs/settings.md', 'utf8');
  const [section = ''] = /## Change without a restart[^]*?All others/.exec(page) ?? [];
  const listed = Array.from(
    section.matchAll(/`((?:batching|limits|drain|log|pools\[\])\.\w+)`/g),
    ([, key]) => key,
  );
  expect(listed).toEqual([...liveKeys]);
});

test('equal settings differ in nothing', () => {
  const [one, other] = [settingsOf({}), settingsOf({})];
  expect(changeOf(one, other)).toEqual({ settings: one, changed: [], needRestart: [] });
});

test.each([
  ['the shadow', 'batching: { mode: shadow }', 'batching: { maxParts: 3 }', 'batching.maxParts'],
  [
    'a recording',
    'batching: { mode: off }\nrecord: { file: trace.csv }',
    'log: { level: warn }',
    'batching.mode',
  ],
  [
    'a smaller limit',
    'limits: { maxQueuedBytes: 1048576, maxQueuedBytesPerUser: 1048576 }',
    'limits: { maxQueuedBytesPerUser: 2097152 }',
    'limits.maxQueuedBytesPerUser',
  ],
])('%s that needs a restart to end keeps the settings beside it', (_what, from, to, key) => {
  const inForce = settingsOf({ file: from });
  const { settings: now, needRestart } = changeOf(inForce, settingsOf({ file: to }));
  expect(needRestart).toContain(key);
  expect(valuesOf(now)[key]).toEqual(valuesOf(inForce)[key]);
});
