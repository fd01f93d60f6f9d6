import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { onCleanup } from './cleanup.ts';

/** Returns a port with a full accept queue: the system answers no SYN there. */
export async function deafPort(): Promise<number> {
  const script =
    "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }," +
    ' () => console.log(s.address().port))';
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onCleanup(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line);
  child.kill('SIGSTOP');
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'));
  onCleanup(() => fillers.forEach((filler) => filler.destroy()));
  let connected = 0;
  await new Promise<void>((resolve) => {
    for (const filler of fillers) {
      filler.on('error', () => undefined);
      filler.once('connect', () => {
        connected += 1;
        if (connected === 2) resolve();
      });
    }
  });
  return port;
}
