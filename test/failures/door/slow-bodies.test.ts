/** Requests that send a part of their body, and never the rest. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Door, expectNobodyNotices, hold } from '../../support/door.ts';
import { Program } from '../../support/program.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

/** More than the connections to the pool. */
const slow = 140;
const many = 1000;
const attackMs = 2000;
const post = (length: number, sent: number): string =>
  `POST /x HTTP/1.1\r\nHost: p\r\nContent-Length: ${length}\r\n\r\n${'h'.repeat(sent)}`;

test.each([
  ['short bodies', 'half of a short body', [many, slow], post(9, 4)],
  ['long bodies', '70 KiB of a long body', [slow], post(200_000, 70 * 1024)],
])(
  '%s: senders that stop after %s take no connection to the pool from others',
  async (name, _what, sizes, bytes) => {
    const door = await Door.open(program);
    const outcome = await door.alternate(name, sizes, attackMs, (attackers) =>
      hold(door.proxy.port, attackers, { bytes: [bytes] }),
    );
    expectNobodyNotices(outcome);
    expect(await door.metric('connections{side="upstream"}')).toBeGreaterThan(0);
  },
);
