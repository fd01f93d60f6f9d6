import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { simulate } from '../../src/cli/simulate.ts';
import { send } from '../simulator/http-client.ts';
import { Program } from '../support/program.ts';
import { captureIo, only } from './captured-io.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

test('links lead to the given sites, and several servers listen', async () => {
  const { match } = await program.start(/pool at (\S+)\n.*pool at (\S+)\n/, [
    ...['simulate', '--listen', '127.0.0.1:0', '--servers', '2', '--latency', '0'],
    ...['--public-url', 'https://lyncweb.example', '--home-url', 'https://pool1.example'],
    ...['--discovery-url', 'https://lyncdiscover.example', '--allow-origins', 'https://a.example'],
  ]);
  const [, first = '', second = ''] = match;
  const headers = { Authorization: 'Bearer cwt=sim-ann', Origin: 'https://a.example' };
  const root = await fetch(first, { headers });
  expect(await root.json()).toMatchObject({
    _links: {
      self: { href: expect.stringMatching(/^https:\/\/lyncweb\.example\//) as unknown },
      user: { href: expect.stringMatching(/^https:\/\/lyncweb\.example\//) as unknown },
    },
  });
  const path = '/autodiscover/autodiscoverservice.svc/root/oauth/user';
  const { status, body } = await send(first + path, { headers: { Host: 'lyncdiscover.example' } });
  expect([status, body.toString()]).toEqual([200, expect.stringContaining('redirect')]);
  expect(root.headers.get('access-control-allow-origin')).toBe('https://a.example');
  const user = await fetch(second + path, { headers });
  expect(await user.json()).toMatchObject({
    _links: { applications: { href: 'https://pool1.example/ucwa/oauth/v1/applications' } },
  });
});

test('an example shows a command that works', async () => {
  const { match } = await program.start(/^ {2}curl -i -H '(\S+): ([^']+)' (\S+)$/m, [
    ...['simulate', '--listen', '127.0.0.1:0', '--latency', '0'],
  ]);
  const [, field = '', value = '', url = ''] = match;
  const answer = await fetch(url, { headers: { [field]: value } });
  expect([answer.status, await answer.json()]).toEqual([
    200,
    expect.objectContaining({ rel: 'me' }) as unknown,
  ]);
});

test('all mistakes in the flags are shown at once', async () => {
  const io = captureIo();
  const argv = [
    ...['simulate', '--listen', 'x', '--servers', '0', '--seed', 'a'],
    ...['--public-url', 'lyncweb.example', '--home-url', 'https://a.example/b'],
  ];
  expect(await runCommandLine(only(simulate), argv, io)).toBe(2);
  expect(io.written.stderr.split('\n')).toEqual([
    '--listen: expected HOST:PORT',
    '--seed: expected a whole number',
    '--servers: expected 1 to 16, found 0',
    '--public-url: expected http:// or https:// with a host, and no path',
    '--home-url: expected http:// or https:// with a host, and no path',
    '',
  ]);
});

test('the number of servers has a bound', async () => {
  const io = captureIo();
  expect(await runCommandLine(only(simulate), ['simulate', '--servers', '17'], io)).toBe(2);
  expect(io.written).toEqual({ stdout: '', stderr: '--servers: expected 1 to 16, found 17\n' });
});
