/** Requests that announce a body and never send it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call } from '../../support/crowd.ts';
import { Door, expectNobodyNotices, hold } from '../../support/door.ts';
import { Program } from '../../support/program.ts';
import { RawClient } from '../../support/raw-client.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const many = 1000;
const attackMs = 2000;
const token = 'cwt=sim-attacker';
const announcing = call(token, 'me/note', 'x', 'attacker')
  .replace('Content-Length: 1', 'Content-Length: 65536')
  .slice(0, -1);

test('1,000 announced bodies of 64 KiB that never come take no room from the writes of others', async () => {
  const door = await Door.open(program);
  // The pool has answered the attacker, so that the limit for new users does not apply.
  const known = new RawClient(door.proxy.port);
  known.send(call(token, 'me', '', 'attacker'));
  expect((await known.readAnswer()).status).toBe(200);
  const outcome = await door.alternate('announced bodies', [10, many], attackMs, (attackers) =>
    hold(door.proxy.port, attackers, { bytes: [announcing] }),
  );
  expectNobodyNotices(outcome);
});
