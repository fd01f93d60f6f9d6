/** Clients that get an error, read no answer and never close. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Door, expectNobodyNotices, hold } from '../../support/door.ts';
import { Program } from '../../support/program.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const maxConnections = 500;
const ofOneAddress = maxConnections / 2;
const attackMs = 2000;
const headersTimeoutMs = 600;
/** The proxy waits for 1 s before it closes a refused connection. */
const freeWithinMs = 5000;
/** Requests that get 501, 400 and 408. */
const refused = ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 'no request\r\n\r\n', 'GET / HTTP'];

test('refused clients that never close lose their connections after a second, and shut out no other client', async () => {
  const door = await Door.open(program, {
    env: {
      UCWA_PROXY_LIMITS_MAX_CONNECTIONS: String(maxConnections),
      UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: String(headersTimeoutMs),
    },
  });
  const connections = (): Promise<number> => door.metric('connections{side="client"}');
  const good = await connections();
  // The attacks run in turn, so that only one of them can occupy the connections.
  for (const bytes of refused) {
    const attack = hold(door.proxy.port, ofOneAddress, { bytes: [bytes] });
    await attack.done;
    const began = performance.now();
    while ((await connections()) > good && performance.now() - began < 2 * freeWithinMs) {
      await delay(20);
    }
    expect(performance.now() - began).toBeLessThanOrEqual(freeWithinMs);
    attack.end();
  }

  const sizes = [1, 10, 2 * maxConnections];
  const outcome = await door.alternate('refused', sizes, attackMs, (attackers) =>
    hold(door.proxy.port, attackers, { bytes: refused, comesBack: true }),
  );
  expectNobodyNotices(outcome);
  for (const reason of ['method', 'malformed', 'slow_request']) {
    expect(await door.metric(`refused_total{reason="${reason}"}`)).toBeGreaterThan(ofOneAddress);
  }
});
