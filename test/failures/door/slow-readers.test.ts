/** Clients that ask for large answers and read one byte per second. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll } from '@jest/globals';
import { onCleanup } from '../../support/cleanup.ts';
import { type Attack, Door, expectNobodyNotices } from '../../support/door.ts';
import { startDoorPool } from '../../support/door-pool.ts';
import { Program } from '../../support/program.ts';
import { onlyWith } from '../../support/real-parts.ts';

const testWithPython = onlyWith('python3');

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

/** More than the default `upstream.maxConnections`. */
const slow = 140;
/** Longer than `slowDownloadMs` of `pass-through.ts`, after which the proxy cuts slow downloads off. */
const attackMs = 7000;
const request = 'GET /large HTTP/1.1\r\nHost: p\r\n\r\n';

/**
 * The readers run in Python, because Node cannot give sockets small buffers. A reader that is cut off connects
 * again. The readers start one after another: the first megabytes of each answer fill system buffers. If all
 * began at once, the gigabyte that fills those buffers would measure the machine.
 */
const readers = `
import select, socket, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
def ask():
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(('127.0.0.1', port))
    client.sendall(${JSON.stringify(request)}.encode())
    return client
clients = []
for i in range(count):
    clients.append(ask())
    time.sleep(0.02)
print('all', flush=True)
while True:
    time.sleep(1)
    for i, client in enumerate(clients):
        try:
            if client.recv(1, socket.MSG_DONTWAIT): continue
        except BlockingIOError: continue
        except OSError: pass
        client.close()
        clients[i] = ask()
`;

function read(port: number, count: number): Attack {
  const child = spawn('python3', ['-c', readers, String(port), String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = (): void => void child.kill('SIGKILL');
  onCleanup(end);
  return { done: once(child.stdout, 'data'), end, sentBytes: () => count * request.length };
}

testWithPython(
  '140 clients that read 8 MiB at one byte per second do not use up the connections to the pool',
  async () => {
    const pool = await startDoorPool();
    const door = await Door.open(program, { poolUrl: pool.url });
    const outcome = await door.alternate('slow readers', [slow], attackMs, (attackers) =>
      read(door.proxy.port, attackers),
    );
    expectNobodyNotices(outcome);
  },
);
