/**
 * Connections to the admin port that are idle, that send half a request, or that stay open after a
 * request.
 */
import { afterAll, beforeAll, test } from '@jest/globals';
import { Door, expectNobodyNotices, hold } from '../../support/door.ts';
import { Program } from '../../support/program.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const many = 1000;
const attackMs = 2000;
const get = 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n';
const said = ['', get, get.slice(0, 20), get + get.slice(0, 20)];

test('idle, silent and half-sent connections to the admin port, opened again and again, block no probe', async () => {
  const door = await Door.open(program);
  const outcome = await door.alternate('admin port', [1, 10, many], attackMs, (attackers) =>
    hold(door.proxy.adminPort, attackers, { bytes: said, reads: true, comesBack: true }),
  );
  expectNobodyNotices(outcome);
});
