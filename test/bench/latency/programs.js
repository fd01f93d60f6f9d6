import { spawn } from 'node:child_process';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';

const startWithinMs = 10_000;

/** Children that must not outlive us. */
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts the program; `line` matches what it writes once it serves.
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
 * A simulated pool on which every route takes that long, and a proxy with default settings before it.
 *
 * @param {number} routeMs
 * @param {URL} dist
 */
export async function startPair(routeMs, dist) {
  const pool = await start(
    dist,
    ['simulate', '--listen', '127.0.0.1:0', '--latency', String(routeMs), '--limit', '1000'],
    /pool at (http:\S+)/,
  );
  const poolUrl = pool.match[1] ?? '';
  const proxy = await start(
    dist,
    ['serve', '--upstream', poolUrl, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    /"listen":"([^"]+)","admin":"([^"]+)"/,
  );
  return {
    poolUrl,
    proxyUrl: `http://${proxy.match[1] ?? ''}`,
    metrics: () => readMetrics(`http://${proxy.match[2] ?? ''}/metrics`),
    async stop() {
      await proxy.stop();
      await pool.stop();
    },
  };
}

/**
 * @param {string} url
 * @returns {Promise<Map<string, number>>} values by series
 */
function readMetrics(url) {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => {
        const rows = [...text.matchAll(/^([a-z_][a-z0-9_]*(?:\{.*\})?) (\S+)$/gim)];
        resolve(new Map(rows.map((row) => [row[1] ?? '', Number(row[2])])));
      });
    }).on('error', reject);
  });
}
