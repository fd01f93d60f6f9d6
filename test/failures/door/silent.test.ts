/** Connections that send nothing, or half a head, and never close. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Door, expectNobodyNotices, hold } from '../../support/door.ts';
import { Program } from '../../support/program.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const maxConnections = 500;
/** The timeout is short, so that the attack also sees what follows the timeout. */
const headersTimeoutMs = 1000;
const attackMs = 2000;
const halfHead = 'GET /ucwa/oauth/v1/applications/1/me HTTP/1.1\r\nHost: p\r\nX-A: ';

test('silent connections and half heads of one address, twice the limit of connections, shut out no other client', async () => {
  const door = await Door.open(program, {
    env: {
      UCWA_PROXY_LIMITS_MAX_CONNECTIONS: String(maxConnections),
      UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: String(headersTimeoutMs),
    },
  });
  const sizes = [1, 10, 2 * maxConnections];
  const outcome = await door.alternate('silent', sizes, attackMs, (attackers) =>
    hold(door.proxy.port, attackers, { bytes: ['', halfHead], comesBack: true }),
  );
  expectNobodyNotices(outcome);
  // The attackers had half of the connections, and lost them.
  expect(await door.metric('refused_total{reason="slow_request"}')).toBeGreaterThan(0);
  expect(await door.metric('refused_total{reason="connections"}')).toBeGreaterThan(0);
});
