/** Opens a page in Chromium, and returns the report that the page sends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onCleanup } from '../../support/cleanup.ts';

export interface Opened {
  /** Origin of the page. */
  readonly origin: string;
  /** Starts the browser, and resolves to the JSON that the page posts to `/report`. */
  report(ports: Readonly<Record<string, number>>): Promise<unknown>;
}

/** Serves a page with this script at an origin of its own. */
export async function servePage(script: () => string): Promise<Opened> {
  let heard: (report: unknown) => void = () => undefined;
  const server = createServer((request, response) => {
    if (request.url !== '/report') {
      const html = `<!DOCTYPE html><html><body><script>${script()}</script></body></html>`;
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(html);
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(204).end();
      heard(JSON.parse(Buffer.concat(chunks).toString()));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    async report(ports) {
      const reported = new Promise<unknown>((resolve) => (heard = resolve));
      const exited = startChromium(origin, ports).then((code) => {
        throw new Error(`the browser ended with ${String(code)} and without a report`);
      });
      return Promise.race([reported, exited]);
    },
  };
}

/** Starts a browser that finds hosts at these ports. Resolves when it ends. */
async function startChromium(url: string, ports: Readonly<Record<string, number>>) {
  const folder = mkdtempSync(join(tmpdir(), 'ucwa-batch-proxy-browser-'));
  const rules = Object.entries(ports).map(([host, port]) => `MAP ${host}:80 127.0.0.1:${port}`);
  const child = spawn(
    'chromium',
    [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      ...['--no-first-run', '--disable-background-networking', '--disable-component-update'],
      // No other name has an address, so the browser opens no connection outside this machine.
      `--host-resolver-rules=${[...rules, 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1'].join(', ')}`,
      ...[`--user-data-dir=${folder}`, url],
    ],
    { stdio: 'ignore', detached: true },
  );
  const exited = once(child, 'exit');
  onCleanup(async () => {
    // The browser has several processes, in a group of their own.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const [code] = (await exited) as [number | null];
  return code;
}
