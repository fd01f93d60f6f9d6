import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { tlsProblems } from '../../src/settings/tls-files.ts';
import { settingsOf } from './load.ts';

const path = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));

function problems(listen: Record<string, string>, upstream: Record<string, string> = {}): string[] {
  const settings = settingsOf({});
  return tlsProblems(
    {
      ...settings,
      listen: { ...settings.listen, tls: { ...settings.listen.tls, ...listen } },
      upstream: { ...settings.upstream, tls: upstream },
    },
    readFileSync,
  );
}

test('a matching certificate and key cause no problem', () => {
  expect(
    problems({ cert: path('server.pem'), key: path('server.key') }, { ca: path('ca.pem') }),
  ).toEqual([]);
});

test('a missing file and a file without PEM data are reported with the name of the setting', () => {
  expect(problems({}, { ca: '/nope' })).toEqual([
    expect.stringMatching(/^upstream\.tls\.ca: cannot be used: ENOENT/),
  ]);
  expect(problems({}, { ca: path('README.md') })).toEqual([
    'upstream.tls.ca: cannot be used: holds no PEM data',
  ]);
});

test('a key that does not match its certificate is reported', () => {
  expect(problems({ cert: path('server.pem'), key: path('client.key') })).toEqual([
    expect.stringMatching(/^listen\.tls: the files cannot be used together: /),
  ]);
});

test('a further certificate needs a key that fits, and a DNS name', () => {
  const settings = settingsOf({});
  const certs = [
    { cert: path('server.pem'), key: path('server.key') },
    { cert: path('server.pem'), key: path('client.key') },
    { cert: path('client.pem'), key: path('client.key') },
  ];
  const listen = { ...settings.listen, tls: { ...settings.listen.tls, certs } };
  expect(tlsProblems({ ...settings, listen }, readFileSync)).toEqual([
    expect.stringMatching(/^listen\.tls\.certs\[1\]: the files cannot be used together: /),
    'listen.tls.certs[2].cert: cannot be used: holds no DNS name, so no client asks for it',
  ]);
});

test('the files of each pool are checked', () => {
  const settings = settingsOf({
    file: `pools: [{ name: a, servers: ['https://a'], tls: { ca: /nope } }]`,
  });
  expect(tlsProblems(settings, readFileSync)).toEqual([
    expect.stringMatching(/^pools\[0\]\.tls\.ca: cannot be used: ENOENT/),
  ]);
});
