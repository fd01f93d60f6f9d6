/** Bodies of which a part comes, and the rest does not. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Door, expectNobodyNotices, hold } from '../../support/door.ts';
import { Program } from '../../support/program.ts';

let program: Program;

beforeAll(async () => {
  program = await Program.install();
}, 60_000);

afterAll(() => program.remove());

/** More than there are connections to the pool. */
const slow = 140;
const many = 1000;
const attackMs = 2000;
const halfOfABody = 'POST /x HTTP/1.1\r\nHost: p\r\nContent-Length: 9\r\n\r\nhalf';

test('clients that send half of a short body and no more take no connection to the pool from others', async () => {
  const door = await Door.open(program);
  const outcome = await door.alternate('short bodies', [many, slow, slow], attackMs, (attackers) =>
    hold(door.proxy.port, attackers, { bytes: [halfOfABody] }),
  );
  expectNobodyNotices(outcome);
  expect(await door.metric('connections{side="upstream"}')).toBeGreaterThan(0);
});
