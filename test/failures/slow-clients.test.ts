/**
 * Clients that send or read too slowly are dropped in time, and good clients beside them do not
 * notice.
 */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import {
  call,
  connectMany,
  countByStatus,
  keepAsking,
  type Round,
  slowdown,
} from '../support/crowd.ts';
import { Program } from '../support/program.ts';
import { startProxyProcess, type ProxyProcess } from '../support/proxy-process.ts';
import { onlyWith } from '../support/real-parts.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const testWithPython = onlyWith('python3');

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const slowOnes = 500;
const goodOnes = 20;
const pauseMs = 25;
const rounds = 3;
const calmMs = 2000;
/** Timeout for a head, for a request, and for progress of an answer. */
const timeMs = 2000;
/** Time that the proxy may need to notice, on a busy machine. */
const graceMs = 15_000;
/** The slow clients start one after another. */
const arrivingMs = 1000;
/** A smaller 99th percentile reflects the machine, not the proxy. */
const noiseMs = 10;

const small = 'x'.repeat(100);
const large = 'y'.repeat(120_000);
const answer = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

async function startBoth(): Promise<ProxyProcess> {
  const pool = await startScriptedPool((request, socket) => {
    socket.write(answer(request.includes('/large') ? large : small));
  });
  return startProxyProcess(program, pool.url, {
    env: {
      UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: String(timeMs),
      UCWA_PROXY_LISTEN_REQUEST_TIMEOUT_MS: String(timeMs),
      UCWA_PROXY_UPSTREAM_TIMEOUT_MS: String(timeMs),
      UCWA_PROXY_BATCHING_MODE: 'off',
    },
  });
}

/**
 * The slow clients run in their own process, so that they do not slow the good clients. Readers
 * need small buffers, which Node cannot set: otherwise the system would take whole answers for
 * them.
 */
const slowClients = `
import select, socket, sys, time
what, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def request(i):
    head = ' /ucwa/oauth/v1/applications/%d/%s HTTP/1.1\\r\\nHost: p\\r\\nAuthorization: Bearer cwt=sim-slow%d\\r\\n'
    if what == 'heads': return 'GET' + head % (i, 'me', i) + 'A: '
    if what == 'bodies': return 'POST' + head % (i, ('me/note', 'photos/x')[i % 2], i) + 'Content-Length: 1000\\r\\n\\r\\nb'
    return 'GET' + head % (i, 'large', i) + '\\r\\n'
poll, clients = select.poll(), {}
for i in range(count):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    # From many addresses: one alone is not let in as often.
    client.bind(('127.%d.0.%d' % (2 + len(what) % 3, 1 + i % 250), 0))
    client.connect(('127.0.0.1', port))
    client.sendall(request(i).encode())
    time.sleep(${arrivingMs / slowOnes / 1000})
    clients[client.fileno()] = client
    poll.register(client, 0 if what == 'readers' else select.POLLIN)
turn = 0
while clients:
    turn += 1
    for fd, event in poll.poll(20):
        poll.unregister(fd)
        clients.pop(fd).close()
    # A byte now and then from each, so that it is never silent.
    for client in [c for fd, c in clients.items() if fd % 20 == turn % 20]:
        try:
            if what == 'readers': client.recv(1, socket.MSG_DONTWAIT)
            else: client.send(b'a')
        except OSError: pass
`;

const kinds = ['heads', 'bodies', 'readers'] as const;
type Kind = (typeof kinds)[number];

/** Starts that number of clients of this kind. */
function start(kind: Kind, port: number): void {
  const child = spawn('python3', ['-c', slowClients, kind, String(port), String(slowOnes)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  onCleanup(() => child.kill('SIGKILL'));
}

testWithPython(
  '500 slow heads, 500 slow bodies and 500 slow readers at once are dropped in time, and good clients stay as fast as before',
  async () => {
    const proxy = await startBoth();
    const dropped = async (): Promise<readonly number[]> => {
      const metrics = await proxy.metrics();
      return ['slow_request', 'slow_reader'].map(
        (reason) => metrics.get(`ucwa_proxy_refused_total{reason="${reason}"}`) ?? 0,
      );
    };
    const good = await connectMany(proxy.port, goodOnes);
    const next = (user: number, n: number): string =>
      call(`cwt=sim-u${user}`, `me/note?n=${n}`, '', `u${user}`);
    const seen: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const untilMs = performance.now() + calmMs;
      const isCalm = (): boolean => performance.now() < untilMs;
      const calm = await keepAsking(good, next, isCalm, pauseMs);

      let goesOn = true;
      const asking = keepAsking(good, next, () => goesOn, pauseMs);
      const startedAtMs = performance.now();
      for (const kind of kinds) start(kind, proxy.port);
      const all = [2 * slowOnes * round, slowOnes * round];
      while ((await dropped()).some((count, i) => count < (all[i] ?? 0))) await delay(20);
      const withinMs = performance.now() - startedAtMs;
      goesOn = false;
      seen.push({ calm, beside: await asking });
      expect(withinMs).toBeLessThanOrEqual(arrivingMs + timeMs + graceMs);
    }
    expect(await dropped()).toEqual([2 * slowOnes * rounds, slowOnes * rounds]);
    const answers = seen.flatMap(({ calm, beside }) => [...calm, ...beside]);
    expect(countByStatus(answers)).toEqual({ 200: answers.length });
    expect(slowdown(seen, noiseMs)).toBeLessThanOrEqual(2);
  },
);
