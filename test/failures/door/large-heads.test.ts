/** Connections that send almost a whole head of 64 KiB, and never the end of it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Door, expectNobodyNotices, hold } from '../../support/door.ts';
import { Program } from '../../support/program.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const attackMs = 2000;
const head = (fields: string): string => `GET /x HTTP/1.1\r\nHost: p\r\n${fields}`;

test.each([
  ['one long field', head(`A: ${'x'.repeat(65_000)}`)],
  ['thousands of short fields', head('ab: cd\r\n'.repeat(8000))],
])('half heads of %s fit the memory of a small pod', async (name, bytes) => {
  const door = await Door.open(program);
  const outcome = await door.alternate(`half heads: ${name}`, [10, 300], attackMs, (attackers) =>
    hold(door.proxy.port, attackers, { bytes: [bytes] }),
  );
  expectNobodyNotices(outcome);
  expect(await door.metric('refused_total{reason="head_too_large"}')).toBeGreaterThan(0);
});
