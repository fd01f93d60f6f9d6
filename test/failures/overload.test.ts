/** The proxy itself fails: its process stalls, runs out of files or memory, or has a bug. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, connectMany, countByStatus, timed, type Timed } from '../support/crowd.ts';
import { startPool } from '../support/pool.ts';
import { Program } from '../support/program.ts';
import { startProxyProcess, type ProxyProcess } from '../support/proxy-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { onlyWith } from '../support/real-parts.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const testWithPrlimit = onlyWith('prlimit');

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const secret = 'cwt=sim-canary';

test.each([
  ['an uncaught exception', `throw Error('${secret}')`],
  ['an unhandled rejection', `void Promise.reject(Error('${secret}'))`],
  ['an exception whose message looks like a stack frame', `throw Error('x\\n    at ${secret}')`],
])(
  '%s ends the process within a second, with exit code 1 and one log line without the message',
  async (_what, bug) => {
    const pool = await startPool();
    const preload = `data:text/javascript,process.on('SIGWINCH',()=>{${encodeURIComponent(bug)}})`;
    const proxy = await startProxyProcess(program, pool.url, { nodeFlags: ['--import', preload] });
    await timed(new RawClient(proxy.port), call(secret, 'me'));
    const before = proxy.output().split('\n').length;
    const startedAtMs = performance.now();
    proxy.child.kill('SIGWINCH');
    expect(await proxy.exited).toBe(1);
    expect(performance.now() - startedAtMs).toBeLessThan(1000);
    const lines = proxy
      .output()
      .split('\n')
      .slice(before - 1, -1);
    expect(lines).toEqual([expect.stringContaining('"msg":"uncaught exception"')]);
    expect(proxy.output() + proxy.errors()).not.toContain(secret);
  },
);

test('answers that came while the process was paused are delivered, though their deadlines passed', async () => {
  const pool = await startPool({ latency: 300 });
  const proxy = await startProxyProcess(program, pool.url, {
    env: { UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '2000' },
  });
  const clients = await connectMany(proxy.port, 200);
  const asking = Promise.all(
    clients.map((client, i) => {
      const user = `u${i >> 2}`;
      return timed(
        client,
        call(`cwt=sim-${user}`, `me/note?n=${i}`, i % 8 === 0 ? '{}' : '', user),
      );
    }),
  );
  while (pool.stats().parts + pool.stats().singles < clients.length) await wait(5);
  proxy.child.kill('SIGSTOP');
  await wait(3000);
  proxy.child.kill('SIGCONT');
  const counts = countByStatus(await asking);
  expect(counts).toEqual({ 200: 175, 204: 25 });
});

const upstreamConnections = 'ucwa_proxy_connections{side="upstream"}';
const openFiles = ({ pid }: ProxyProcess): number => readdirSync(`/proc/${pid}/fd`).length;
const allowFiles = ({ pid }: ProxyProcess, files: number): void => {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}:`]);
};

testWithPrlimit(
  'without free file descriptors the proxy serves connected clients, refuses others, and recovers',
  async () => {
    // The latency makes each client use its own connection to the pool before the descriptors run
    // out.
    const pool = await startPool({ latency: 50 });
    const proxy = await startProxyProcess(program, pool.url);
    const good = await connectMany(proxy.port, 20);
    const ask = (user: number): Promise<Timed> =>
      timed(good[user]!, call(`cwt=sim-u${user}`, 'me', '', `u${user}`));
    const round = (): Promise<Timed[]> => Promise.all(good.map((_, user) => ask(user)));
    while (((await proxy.metrics()).get(upstreamConnections) ?? 0) < good.length) await round();
    allowFiles(proxy, openFiles(proxy) + 30);
    const crowd = Array.from({ length: 300 }, () => new RawClient(proxy.port));
    let closed = 0;
    for (const client of crowd) void client.closed.then(() => (closed += 1));
    while (closed < 200) await wait(5);
    for (let i = 0; i < 20; i += 1) {
      expect(countByStatus(await round())).toEqual({ 200: good.length });
    }
    for (const client of crowd) client.leave();
    allowFiles(proxy, 1000);
    const late = await connectMany(proxy.port, 50);
    const answers = late.map((client) => timed(client, call('cwt=sim-late', 'me', '', 'late')));
    expect(countByStatus(await Promise.all(answers))).toEqual({ 200: late.length });
    expect(proxy.child.exitCode).toBeNull();
  },
);

test('with a heap of 96 MiB, the most clients with the longest heads take only a little of it', async () => {
  const pool = await startPool();
  const proxy = await startProxyProcess(program, pool.url, {
    nodeFlags: ['--max-old-space-size=96'],
  });
  const maxClients = (96 * 1024 * 1024) / 8 / 4096;
  const before = await proxy.liveHeapBytes();
  const clients = await connectMany(proxy.port, maxClients);
  // In small groups: the test measures the heads of the clients, not their places in a queue.
  for (let i = 0; i < clients.length; i += 100) {
    await Promise.all(
      clients.slice(i, i + 100).map((client, n) => {
        const long = `X-Long: ${String(i + n).padEnd(15_000, 'x')}`;
        const many = `${`${(i + n) % 10}: ${i + n}\r\n`.repeat(90)}X-Last: 1`;
        return timed(
          client,
          `OPTIONS * HTTP/1.1\r\nHost: p\r\n${n % 2 === 0 ? long : many}\r\n\r\n`,
        );
      }),
    );
  }
  expect(proxy.child.exitCode).toBeNull();
  // A connection takes 5 KiB, with its address, its description for the pool, and the bytes of its last head. All
  // heads take 4 MiB, which is 1.4 KiB each.
  const mostEach = 7 * 1024;
  let eachBytes = Infinity;
  // The last answers leave memory behind that the proxy gives back a moment later.
  for (let looks = 0; looks < 10 && eachBytes >= mostEach; looks += 1) {
    await wait(300);
    eachBytes = ((await proxy.liveHeapBytes()) - before) / clients.length;
  }
  expect(eachBytes).toBeLessThan(mostEach);
}, 60_000);

test('with a heap of 96 MiB, a flood reaches the limits before the process dies, and further calls are refused', async () => {
  const pool = await startScriptedPool(() => undefined);
  const proxy = await startProxyProcess(program, pool.url, {
    env: {
      UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '5000',
      UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: '60000',
    },
    nodeFlags: ['--max-old-space-size=96'],
  });
  const clients = await connectMany(proxy.port, 10_000);
  const ask = async (client: RawClient, i: number, body: string): Promise<Timed> => {
    const token = `cwt=sim-u${i >> 2}-`.padEnd(1500, 'x');
    // 0: the connection was refused.
    return timed(client, call(token, `me/note?n=${i}`, body)).catch(() => ({ status: 0, ms: 0 }));
  };
  const small = JSON.stringify({ message: 'n'.repeat(1000) });
  const answers = await Promise.all(
    clients.map((client, i) => ask(client, i, i % 2 === 0 ? '' : small)),
  );
  const inside = clients.filter((_, i) => answers[i]?.status !== 0).slice(0, 2000);
  const large = 'b'.repeat(60_000);
  const again = await Promise.all(inside.map((client, i) => ask(client, i, large)));

  expect(proxy.child.exitCode).toBeNull();
  const metrics = await proxy.metrics();
  const refused = (reason: string): number =>
    metrics.get(`ucwa_proxy_refused_total{reason="${reason}"}`) ?? 0;
  expect(refused('connections')).toBe(countByStatus(answers)[0]);
  expect(refused('queue_calls')).toBeGreaterThan(0);
  expect(refused('queue_bytes')).toBeGreaterThan(0);
  expect(Object.keys(countByStatus(answers))).toEqual(['0', '503', '504']);
  expect(Object.keys(countByStatus(again))).toEqual(['503', '504']);
});
