/** One valid token, and a new made-up ticket beside it each time: each call is a user of its own. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, countByStatus, timed, type Timed } from '../../support/crowd.ts';
import { type Attack, Door, expectNobodyNotices } from '../../support/door.ts';
import { startDoorPool } from '../../support/door-pool.ts';
import { Program } from '../../support/program.ts';
import { RawClient } from '../../support/raw-client.ts';

let program: Program;

beforeAll(async () => {
  program = await Program.install();
}, 60_000);

afterAll(() => program.remove());

const calls = 2000;
/** More than one user may have under way; judged by time, since 2,000 take the test's own time. */
const fewer = 600;
const attackMs = 2000;
/** How long the pool takes for each of them. */
const slowMs = 1000;

test('2,000 calls under way with a new made-up ticket each are 429 beyond what one user may have, and others are served', async () => {
  const pool = await startDoorPool();
  const door = await Door.open(program, { poolUrl: pool.url });
  let made = 0;
  const answers: Timed[] = [];
  const bytes = (): string => {
    made += 1;
    return call('cwt=sim-attacker', `parked?ms=${slowMs}`, '', 'attacker').replace(
      'Accept:',
      `X-MS-WebTicket: junk-${made}\r\nAccept:`,
    );
  };
  const attack = (attackers: number): Attack => {
    const clients = Array.from({ length: attackers }, () => new RawClient(door.proxy.port));
    let isOver = false;
    let sentBytes = 0;
    const ask = async (client: RawClient): Promise<void> => {
      while (!isOver) {
        const said = bytes();
        sentBytes += said.length;
        const answer = await timed(client, said).catch(() => undefined);
        if (answer === undefined) return;
        answers.push(answer);
        // Who is told to come later does, after a while.
        if (answer.status === 429) await new Promise((resolve) => setTimeout(resolve, slowMs));
      }
    };
    for (const client of clients) void ask(client);
    return {
      done: Promise.all(clients.map(({ connected }) => connected)),
      end() {
        isOver = true;
        for (const client of clients) client.leave();
      },
      sentBytes: () => sentBytes,
    };
  };
  const outcome = await door.alternate('new tickets', [10, calls, fewer, fewer], attackMs, attack);
  expect(Object.keys(countByStatus(answers))).toEqual(['200', '429']);
  expectNobodyNotices(outcome);
});
