import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { onCleanup } from './cleanup.ts';
import { readAdmin } from './metric-values.ts';
import type { TestProxy } from './proxy.ts';
import { app, UcwaClient } from './ucwa-client.ts';

/** Checks of the pool at short intervals. */
export const often = { poolChecks: { everyMs: 20, whileFailingMs: 20 } };
/** A check of the pool at the start only. */
export const once = { poolChecks: { everyMs: 3_600_000, whileFailingMs: 3_600_000 } };
export const errors = (kind: string): string => `ucwa_proxy_upstream_errors_total{kind="${kind}"}`;
export const pools = (state: string): string => `ucwa_proxy_pools{state="${state}"}`;
export const expiry = (side: string): string =>
  `ucwa_proxy_certificate_expiry_seconds{side="${side}"}`;
export const isOne = (value: number): boolean => value === 1;

export const unreachable = /"msg":"the pool cannot be reached"/;
export const again = /"msg":"the pool can be reached again"/;

/** Lines about the pool, parsed. */
export function toldBy({ log }: TestProxy): Array<Record<string, unknown>> {
  return log
    .filter((line) => /"msg":"(?:the pool|requests to the pool)/.test(line))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The lines of `/readyz?verbose`. */
export async function verbose({ ports }: TestProxy): Promise<string[]> {
  return (await readAdmin(ports.admin, '/readyz?verbose')).body.trimEnd().split('\n');
}

/** Listens until the end of the test. Returns the port. */
export async function listen(server: Server | HttpServer, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  onCleanup(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Asks by a batchable call and by a passed-through call. */
export async function askBothWays(proxy: TestProxy): Promise<void> {
  const client = new UcwaClient(proxy.url);
  await client.ask(`${app}/me`);
  await client.ask('/root');
}
