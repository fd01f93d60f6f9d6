/** One connection that sends requests without waiting for answers. */
import { afterAll, beforeAll, test } from '@jest/globals';
import { call } from '../../support/crowd.ts';
import { Door, expectNobodyNotices, hold } from '../../support/door.ts';
import { startDoorPool } from '../../support/door-pool.ts';
import { Program } from '../../support/program.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const attackMs = 2000;
const token = 'cwt=sim-attacker';
/** Each request is in flight for longer than the attack. */
const passing = 'GET /parked?ms=60000 HTTP/1.1\r\nHost: p\r\n\r\n';
const poll = call(token, 'parked?ms=60000', '', 'attacker').replace('parked', 'events/parked');

test('12,000 pipelined calls of one connection and 3,000 pipelined polls of another leave room for others', async () => {
  const pool = await startDoorPool();
  const door = await Door.open(program, { poolUrl: pool.url });
  const bytes = [passing.repeat(12_000), poll.repeat(3000)];
  const outcome = await door.alternate('pipelined', [10, 2], attackMs, (attackers) =>
    hold(door.proxy.port, attackers, { bytes }),
  );
  expectNobodyNotices(outcome);
});
