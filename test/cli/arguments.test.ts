import { describe, expect, test } from '@jest/globals';
import { readArguments } from '../../src/cli/arguments.ts';

const command = {
  flags: [
    { name: 'listen', placeholder: 'HOST:PORT', meaning: '' },
    { name: 'linger', placeholder: 'MS', meaning: '' },
    { name: 'print', meaning: '' },
  ],
  operands: [{ name: 'URL', meaning: '' }],
};

const read = (...argv: string[]) => readArguments(command, argv);

describe('valid arguments', () => {
  test.each([
    [['--listen', 'a:1', '--print', 'x'], { listen: 'a:1' }, ['print']],
    [['x', '--print', '--listen=a:1'], { listen: 'a:1' }, ['print']],
    [['--listen=a=b', 'x'], { listen: 'a=b' }, []],
    [['--linger=-5', 'x'], { linger: '-5' }, []],
    [['--linger', '1', '--linger', '2', 'x'], { linger: '2' }, []],
    [['--', 'x'], {}, []],
  ])('are parsed: %j', (argv, flags, switches) => {
    expect(read(...argv)).toEqual({
      ok: true,
      given: { flags, switches: new Set(switches), operands: ['x'] },
    });
  });

  test('may contain operands that look like flags after --', () => {
    expect(read('--', '--print')).toMatchObject({ ok: true, given: { operands: ['--print'] } });
  });
});

describe('invalid arguments', () => {
  test.each([
    [['--lisen', 'a:1', 'x'], ['--lisen: unknown flag, did you mean --listen?']],
    [['-p', 'x'], ['-p: unknown flag']],
    [['--print=yes', 'x'], ['--print: expected no value']],
    [['x', '--linger'], ['--linger: expected a value, MS']],
    [['x', '--linger='], ['--linger: expected a value, MS']],
    [['--listen', '--print', 'x'], ['--listen: expected a value, HOST:PORT']],
    [[], ['expected URL, found nothing']],
    [['x', 'http://user:hunter2@host'], ['unexpected argument "http://***@host"']],
    [
      ['--nothing', '--print=1', '--lingr'],
      [
        '--nothing: unknown flag',
        '--print: expected no value',
        '--lingr: unknown flag, did you mean --linger?',
      ],
    ],
  ])('are refused: %j', (argv, problems) => {
    expect(read(...argv)).toEqual({ ok: false, problems });
  });
});
