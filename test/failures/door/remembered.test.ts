/** Many made-up credentials, each as long as a head may be, at a pool that answers them all. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, countByStatus, keepAsking, type Timed } from '../../support/crowd.ts';
import { type Attack, Door, expectNobodyNotices } from '../../support/door.ts';
import { startDoorPool } from '../../support/door-pool.ts';
import { Program } from '../../support/program.ts';
import { RawClient } from '../../support/raw-client.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const KiB = 1024;
const connections = 10;
const rounds = 2;

const withTicket = (n: number): string =>
  call('cwt=sim-attacker', 'me', '', 'attacker').replace(
    'Accept:',
    `X-MS-WebTicket: ${String(n).padEnd(14 * KiB, 'j')}\r\nAccept:`,
  );
const withToken = (n: number): string => call(`cwt=sim-${n}-`.padEnd(2 * KiB, 'j'), 'me');

test.each([
  ['20,000 made-up tickets of 14 KB beside one valid token', 20_000, withTicket],
  ['32,000 credentials of 2 KB', 32_000, withToken],
])('%s do not fill the memory, and others are served', async (name, count, bytes) => {
  const pool = await startDoorPool();
  const door = await Door.open(program, { poolUrl: pool.url });
  const answers: Timed[] = [];
  let made = 0;
  const attack = (attackers: number): Attack => {
    const clients = Array.from({ length: attackers }, () => new RawClient(door.proxy.port));
    const most = made + count / rounds;
    let sentBytes = 0;
    const next = (): string => {
      made += 1;
      const said = bytes(made);
      sentBytes += said.length;
      return said;
    };
    return {
      done: keepAsking(clients, next, () => made < most).then((seen) => answers.push(...seen)),
      end: () => clients.forEach((client) => client.leave()),
      sentBytes: () => sentBytes,
    };
  };
  const sizes = Array<number>(rounds).fill(connections);
  const outcome = await door.alternate(name, sizes, 0, attack);
  // The pool answered each made-up user.
  expect(countByStatus(answers)).toEqual({ 200: answers.length });
  expect(answers.length).toBeGreaterThanOrEqual(count);
  expectNobodyNotices(outcome);
});
