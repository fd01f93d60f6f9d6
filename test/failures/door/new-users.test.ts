/** One valid token with a new made-up ticket in each call: each call counts as another user. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, countByStatus, timed, type Timed } from '../../support/crowd.ts';
import { type Attack, Door, expectNobodyNotices } from '../../support/door.ts';
import { startDoorPool } from '../../support/door-pool.ts';
import { Program } from '../../support/program.ts';
import { RawClient } from '../../support/raw-client.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const calls = 2000;
/**
 * More calls than one user may have in flight. The timed attack is smaller, because 2,000 calls
 * take the processor of the test.
 */
const fewer = 600;
const attackMs = 2000;
/** Time that the pool takes for each call. */
const slowMs = 1000;

test('of 2,000 calls with one token and made-up tickets, those beyond the limit of one user get 429, and others are served', async () => {
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
        // A client that gets 429 waits before it asks again.
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
  const outcome = await door.alternate('new tickets', [10, calls, fewer], attackMs, attack);
  expect(Object.keys(countByStatus(answers))).toEqual(['200', '429']);
  expectNobodyNotices(outcome);
});
