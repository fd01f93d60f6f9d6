/** Real balancers with the recipes that the project ships. Only addresses are filled in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filledRecipe, haproxyArguments, nginxArguments } from '../../support/balancer-files.js';
import { onCleanup } from '../../support/cleanup.ts';
import { freePort } from '../../support/free-port.js';
import { startService, until } from './processes.ts';

/** Ports of a proxy. */
interface Address {
  readonly port: number;
  readonly adminPort: number;
}

export type Balancer = 'nginx' | 'haproxy';

/**
 * Starts a balancer in front of three proxies, with the project's recipe by default.
 *
 * @returns the address for clients
 */
export async function startBalancer(
  balancer: Balancer,
  replicas: readonly Address[],
  recipe?: string,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `ucwa-${balancer}-`));
  const port = await freePort();
  const text = filledRecipe(balancer, port, replicas, recipe);
  const written = balancer === 'nginx' ? nginxArguments : haproxyArguments;
  const service = startService(balancer, written(folder, text));
  onCleanup(async () => {
    await service.stop();
    rmSync(folder, { recursive: true });
  });
  await until(() => accepts(port), Boolean);
  return `http://127.0.0.1:${port}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
}
