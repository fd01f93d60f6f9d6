import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const startWithinMs = 10_000;

/** Children that must not outlive this process. */
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts the program, and resolves when the program writes a line that matches `line`.
 *
 * @param {URL} dist
 * @param {string[]} argv
 * @param {RegExp} line
 * @returns {Promise<{ match: RegExpExecArray, stop: () => Promise<void> }>}
 */
async function start(dist, argv, line) {
  const main = fileURLToPath(new URL('main.js', dist));
  const env = { PATH: process.env.PATH };
  const child = spawn(process.execPath, [main, ...argv], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  void exited.then(() => running.delete(child));
  let text = '';
  const match = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${argv[0]} did not start`)), startWithinMs);
    void exited.then(() => reject(new Error(`${argv[0]} ended: ${text}`)));
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
      const found = line.exec(text);
      if (found === null) return;
      clearTimeout(late);
      resolve(found);
    });
  });
  return {
    match,
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/**
 * Starts a simulated pool on which every route takes `routeMs`.
 *
 * @param {number} routeMs
 * @param {URL} dist
 */
export async function startPool(routeMs, dist) {
  const { match, stop } = await start(
    dist,
    ['simulate', '--listen', '127.0.0.1:0', '--latency', String(routeMs), '--limit', '1000'],
    /pool at (http:\S+)/,
  );
  return { url: match[1] ?? '', stop };
}

/**
 * Starts a simulated pool, and a proxy with default settings in front of it.
 *
 * @param {number} routeMs
 * @param {URL} dist
 */
export async function startPair(routeMs, dist) {
  const pool = await startPool(routeMs, dist);
  const proxy = await start(
    dist,
    ['serve', '--upstream', pool.url, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    /"listen":"([^"]+)"/,
  );
  return {
    poolUrl: pool.url,
    proxyUrl: `http://${proxy.match[1] ?? ''}`,
    async stop() {
      await proxy.stop();
      await pool.stop();
    },
  };
}
