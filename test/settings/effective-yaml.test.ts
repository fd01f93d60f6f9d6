import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describeSettings } from '../../src/settings/describe-settings.ts';
import { effectiveYaml } from '../../src/settings/effective-yaml.ts';
import { fileOf, givenSettings, withoutContradictions } from './any-settings.ts';
import { problemsOf, settingsOf } from './load.ts';

test('printed settings load as the same settings', () => {
  fc.assert(
    fc.property(givenSettings, (given) => {
      const settings = settingsOf({ file: fileOf(withoutContradictions(given)) });
      const printed = effectiveYaml(settings);
      expect(settingsOf({ file: printed })).toEqual(settings);
      expect(effectiveYaml(settingsOf({ file: printed }))).toBe(printed);
    }),
  );
});

test('settings with a value are printed, and no empty sections', () => {
  const printed = effectiveYaml(settingsOf({ flags: { upstream: 'http://pool.example' } }));
  expect(printed).toContain('upstream:\n  url: http://pool.example\n  timeoutMs: 30000\n');
  expect(printed).not.toMatch(/\{\}|^upstream:[^]*\n {2}tls:/m);
});

test.each(['-----BEGIN PRIVATE KEY-----\nhunter2', 'https://user:hunter2@vault/?token=hunter2'])(
  'printing throws, without the secret, if a path is a key or a URL with a password: %j',
  (key) => {
    const settings = settingsOf({});
    const print = () =>
      effectiveYaml({
        ...settings,
        listen: { ...settings.listen, tls: { ...settings.listen.tls, key } },
      });
    expect(print).toThrow(/tls/);
    expect(print).not.toThrow(/hunter2/);
  },
);

test.each(describeSettings().filter((row) => row.defaultValue === undefined))(
  '$key refuses PEM data and URLs with credentials',
  ({ env }) => {
    for (const secret of ['-----BEGIN PRIVATE KEY----- hunter2', 'https://u:hunter2@vault']) {
      const problems = problemsOf({ env: { [env]: secret } });
      expect(problems).toHaveLength(1);
      expect(problems.join()).not.toContain('hunter2');
    }
  },
);
