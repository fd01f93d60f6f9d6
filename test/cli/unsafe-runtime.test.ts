import { describe, expect, test } from '@jest/globals';
import { checkRuntime, unsafeNames, type Runtime } from '../../src/cli/unsafe-runtime.ts';

const plain: Runtime = { nodeFlags: [], env: {}, inspectorUrl: undefined };
const given = (NODE_OPTIONS: string): Partial<Runtime> => ({ env: { NODE_OPTIONS } });

describe('a start is refused', () => {
  test.each<[string, Partial<Runtime>, string]>([
    ['a flag', { nodeFlags: ['--insecure-http-parser'] }, 'insecure-http-parser'],
    ['a flag with _', { nodeFlags: ['--insecure_http_parser'] }, 'insecure-http-parser'],
    ['NODE_OPTIONS', given('--enable-source-maps --insecure-http-parser'), 'insecure-http-parser'],
    ['quotes', given('"--insecure-http-parser"'), 'insecure-http-parser'],
    ['a variable', { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } }, 'unverified-tls'],
    ['a flag', { nodeFlags: ['--inspect'] }, 'inspector'],
    ['a flag with an address', { nodeFlags: ['--inspect=0.0.0.0:9229'] }, 'inspector'],
    ['a flag that waits', { nodeFlags: ['--inspect-brk'] }, 'inspector'],
    ['another flag that waits', { nodeFlags: ['--inspect-wait=0'] }, 'inspector'],
    ['NODE_OPTIONS', given('--inspect=0'), 'inspector'],
    ['an inspector that is open', { inspectorUrl: 'ws://127.0.0.1:9229/x' }, 'inspector'],
  ])('for %s, %j, unless %s is allowed', (_what, runtime, name) => {
    const refused = checkRuntime({ ...plain, ...runtime }, '');
    expect(refused.problems).toEqual([expect.stringContaining(`--allow-unsafe ${name}`)]);
    const others = unsafeNames.filter((other) => other !== name).join(',');
    expect(checkRuntime({ ...plain, ...runtime }, others).problems).toHaveLength(1);
    const allowed = checkRuntime({ ...plain, ...runtime }, ` ${name} `);
    expect(allowed).toEqual({ problems: [], warnings: [expect.stringContaining('allowed by')] });
  });

  test('for each of several settings, with one line each', () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_OPTIONS: '--inspect' };
    expect(checkRuntime({ ...plain, env }, '').problems).toHaveLength(2);
    expect(checkRuntime({ ...plain, env }, 'inspector,unverified-tls').warnings).toHaveLength(2);
  });

  test('for an unknown name in --allow-unsafe', () => {
    expect(checkRuntime(plain, 'everything').problems).toEqual([
      '--allow-unsafe: expected insecure-http-parser, unverified-tls, inspector, found "everything"',
    ]);
  });
});

test.each<Partial<Runtime>>([
  {},
  { nodeFlags: ['--inspect-port=0', '--disable-proto=delete', '--max-http-header-size=32768'] },
  { env: { NODE_TLS_REJECT_UNAUTHORIZED: '1', NODE_OPTIONS: '--title=--inspect-ed' } },
])('safe settings cause no message: %j', (runtime) => {
  expect(checkRuntime({ ...plain, ...runtime }, '')).toEqual({ problems: [], warnings: [] });
});
