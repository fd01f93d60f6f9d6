import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { HealthChecks } from '../../../src/upstream/servers/health-checks.ts';
import { onCleanup } from '../../support/cleanup.ts';
import { freePort } from '../../support/free-port.js';
import type { Script } from '../../support/scripted-pool.ts';
import { ok, refusing, Rig, serve, silent } from './rig.ts';

const intervalMs = 200;

interface CheckOptions {
  readonly path?: string;
  readonly tcpPort?: number;
  readonly intervalMs?: number;
}

function check(rig: Rig, options: CheckOptions): void {
  const all = { intervalMs, ...options, authority: () => 'pool.example', tls: () => ({}) };
  const checks = new HealthChecks(rig.servers, all);
  onCleanup(() => checks.stop());
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const answer =
  (head: string): Script =>
  (_, socket) =>
    void socket.write(`HTTP/1.1 ${head}\r\nContent-Length: 0\r\n\r\n`);

async function listen(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => server.close());
  return (server.address() as { port: number }).port;
}

describe('a check by GET', () => {
  test('names the pool, carries no credential, and uses a connection of its own each time', async () => {
    const pools = await serve(ok, ok);
    const rig = new Rig(pools.map(({ url }) => url));
    check(rig, { path: '/health' });
    await pools[0]!.untilClosed(2);
    expect(pools[0]!.requests[0]!.toLowerCase()).toBe(
      'get /health http/1.1\r\nhost: pool.example\r\nconnection: keep-alive\r\nuser-agent: ucwa-batch-proxy\r\n\r\n',
    );
  });

  test.each(['204 No Content', '302 Found\r\nLocation: http://127.0.0.1:1/', '401 U', '403 F'])(
    'passes with the answer %s',
    async (head) => {
      const pools = await serve(answer(head), answer(head));
      const rig = new Rig(pools.map(({ url }) => url));
      check(rig, { path: '/' });
      await Promise.all(pools.map((pool) => pool.untilClosed(2)));
      expect(rig.log).toEqual([]);
    },
  );

  test.each([
    ['an answer 404', answer('404 Not Found')],
    ['an answer 500', answer('500 Error')],
    ['an answer 503', answer('503 Down')],
    ['no answer', silent],
    ['bytes that are not HTTP', (_, socket) => void socket.write('220 smtp\r\n')],
  ])('%s ejects the server', async (_, script) => {
    const pools = await serve(script, ok);
    const rig = new Rig(pools.map(({ url }) => url));
    check(rig, { path: '/' });
    await until(() => rig.log.length > 0);
    expect(rig.log).toEqual(['s0 out: check']);
  });

  test('after the first failure the next check follows at once', async () => {
    const pools = await serve(answer('500 Error'), ok);
    const rig = new Rig(pools.map(({ url }) => url));
    check(rig, { path: '/', intervalMs: 600_000 });
    const [server] = rig.servers.set.servers;
    for (const tell of rig.servers.onSuspected) tell(server!);
    await until(() => rig.log.length > 0);
    expect(rig.log).toEqual(['s0 out: check']);
    expect(pools[0]!.requests).toHaveLength(2);
  });

  test('a server that passes again is tried again, and comes back', async () => {
    let isDown = true;
    const pools = await serve((...told) => (isDown ? answer('503 Down') : ok)(...told), ok);
    const rig = new Rig(
      pools.map(({ url }) => url),
      { hasChecks: true },
    );
    check(rig, { path: '/' });
    await until(() => rig.log.length > 0);
    isDown = false;
    const outAtMs = performance.now();
    while (rig.log.length < 2) {
      await rig.ask();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(rig.log).toEqual(['s0 out: check', 's0 back']);
    expect(performance.now() - outAtMs).toBeLessThan(10_000);
  });
});

describe('a check of a TCP port', () => {
  test('passes if the port accepts connections, and fails if not', async () => {
    const pools = await serve(ok, ok);
    const rig = new Rig(pools.map(({ url }) => url));
    check(rig, { tcpPort: await listen() });
    const deaf = new Rig(pools.map(({ url }) => url));
    check(deaf, { tcpPort: await freePort() });
    await until(() => deaf.log.length > 1);
    expect(deaf.log).toContain('tier: all');
    expect(rig.log).toEqual([]);
  });

  test('both checks must pass if both are set', async () => {
    const [pool] = await serve(ok);
    const rig = new Rig([pool!.url, await refusing()]);
    check(rig, { tcpPort: await listen(), path: '/' });
    await until(() => rig.log.length > 0);
    expect(rig.log).toEqual(['s1 out: check']);
  });
});
