import { describe, expect, test } from '@jest/globals';
import type { CallDetails, FinishedCall } from '../../src/listen/observer.ts';
import { createLog } from '../../src/log/log.ts';

const call: FinishedCall = {
  via: 'batch',
  status: 200,
  durationMs: 12.34,
  method: 'GET',
  target: '/ucwa/v1/applications/1/people/ann@example.com/presence',
  user: 'name of a user',
  poll: false,
  callerLeft: false,
};

const details: CallDetails = {
  id: 'a-1',
  server: 'fe1.example:444',
  handling: {
    ...{ batchId: 17, parts: 3, position: 1, flushReason: 'idle', attempts: 2 },
    ...{ retry: 'unsent', refusals: 0, isCollapsed: true, lateMs: 0, sentAtMs: 5 },
    waits: { hold: 1.23, order: 0, pause: 0, limit: 20, slots: 0.01 },
    server: undefined,
  },
};

/** Returns what the log writes for a message, for a call, and for a call without a user. */
function written(format: 'json' | 'text' | 'w3c'): string[] {
  const lines: string[] = [];
  const log = createLog(
    { level: 'info', access: 'all', format, userHashKey: Buffer.alloc(16) },
    { write: (line) => void lines.push(line) },
  );
  log.warn('the limit is lower', { setting: 'limits.maxUsers', why: 'a "small" heap', to: 7 });
  log.access(call, details);
  log.access({ ...call, via: 'refused', status: 400, user: '' }, { id: 'b', reason: 'target' });
  return lines;
}

const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
const route = String.raw`/ucwa/v1/applications/\{\}/people/\{\}/presence`;

test('json: one object a line, with the name of the level', () => {
  const [warning = '', access = ''] = written('json');
  expect(JSON.parse(warning)).toMatchObject({ level: 'warn', setting: 'limits.maxUsers', to: 7 });
  expect(JSON.parse(access)).toMatchObject({ level: 'info', msg: 'call', ms: 12.3 });
});

test('text: time, level, message and facts; a value with spaces is in quotes', () => {
  const [warning, access] = written('text');
  expect(warning).toMatch(
    new RegExp(`^${time} WARN  the limit is lower setting=limits.maxUsers why="a .*" to=7\n$`),
  );
  expect(access).toMatch(
    new RegExp(
      `^${time} INFO  call method=GET route=\\S+ via=batch status=200 ms=12.3 user=\\S{8} id=a-1 ` +
        'batch=17 parts=3 position=1 flush=idle attempts=2 retry=unsent collapsed=true hold=1.2 ' +
        'limit=20 server=fe1.example:444\n$',
    ),
  );
});

describe('w3c:', () => {
  test('the first line follows the directives, which name its fields', () => {
    expect(written('w3c')[0]).toMatch(
      new RegExp(
        '^#Software: ucwa-batch-proxy\n#Version: 1.0\n#Date: [-\\d]{10} [:\\d]{8}\n' +
          '#Fields: date time cs-method cs-uri-stem sc-status time-taken x-via x-user x-id x-batch ' +
          'x-parts x-position x-attempts x-hold x-order x-pause x-limit x-slots x-server x-passed ' +
          'x-reason\n' +
          `#Remark: ${time} WARN  the limit is lower `,
      ),
    );
  });

  test('a call is a line with a value for each field; a missing value is -', () => {
    const [, access, refused] = written('w3c');
    expect(access).toMatch(
      new RegExp(
        `^[-\\d]{10} [:\\d]{8} GET ${route} 200 12 batch [0-9a-f]{8} a-1 17 3 1 2 1.2 - - 20 - ` +
          'fe1.example:444 - -\n$',
      ),
    );
    expect(refused).toMatch(
      new RegExp(
        `^[-\\d]{10} [:\\d]{8} GET ${route} 400 12 refused - b - - - - - - - - - - - target\n$`,
      ),
    );
  });
});

test.each(['text', 'w3c'] as const)('%s: a line with a secret is withheld', (format) => {
  const lines: string[] = [];
  const log = createLog(
    { level: 'info', access: 'all', format },
    { write: (line) => void lines.push(line) },
  );
  log.warn('Bearer cwt=AAEBHAEF');
  expect(lines.join('')).toContain('ERROR a line was withheld');
  expect(lines.join('')).not.toContain('cwt');
});
