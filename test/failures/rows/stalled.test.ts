/** Row 38: the process is paused beyond the deadline of its callers. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { askEach } from '../../support/nonce-calls.ts';
import { startPool } from '../../support/pool.ts';
import { Program } from '../../support/program.ts';
import { UcwaClient } from '../../support/ucwa-client.ts';
import { callsOf, fateAt } from './bring-about.ts';
import { methods } from './row.ts';

let program: Program;
beforeAll(() => {
  program = Program.install();
});
afterAll(() => program.remove());

test.each(methods)(
  '38. an answer that came while the process was paused is delivered, though the deadline has passed: %s',
  async (method) => {
    const pool = await startPool();
    const { child, match } = await program.start(
      /"listen":"127\.0\.0\.1:(\d+)"/,
      ['serve', '--upstream', pool.url, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
      {
        env: {
          UCWA_PROXY_BATCHING_MODE: 'fixed',
          UCWA_PROXY_BATCHING_LINGER_MAX_MS: '500',
          UCWA_PROXY_BATCHING_MAX_PARTS: '3',
          UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '1000',
        },
      },
    );
    pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'delay', ms: 200 } });
    const client = new UcwaClient(`http://127.0.0.1:${match[1] ?? ''}`);
    const calls = callsOf(method, 3);
    const asked = askEach(client, calls);
    while (!pool.ledger.requests().some(({ complete }) => complete)) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.kill('SIGCONT');
    const answered = await asked;
    expect(answered.map(({ answer }) => answer.headers['x-nonce'])).toEqual(
      calls.map(({ nonce }) => nonce),
    );
    for (const call of calls) expect(fateAt(pool, call)).toMatchObject({ sent: [3] });
  },
);
