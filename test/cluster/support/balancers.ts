/** Real balancers, with the recipes that the project ships; only addresses are put in. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onCleanup } from '../../support/cleanup.ts';
import { freePort, startService, until } from './processes.ts';

/** Where a proxy is. */
interface Address {
  readonly port: number;
  readonly adminPort: number;
}

export type Balancer = 'nginx' | 'haproxy';

const files = { nginx: 'nginx.conf', haproxy: 'haproxy.cfg' };
const recipeOf = (balancer: Balancer): string =>
  readFileSync(
    new URL(`../../../helm/examples/affinity/${files[balancer]}`, import.meta.url),
    'utf8',
  );

/**
 * Starts it in front of three proxies, with the recipe of this project unless there is another.
 *
 * @returns where clients come
 */
export async function startBalancer(
  balancer: Balancer,
  replicas: readonly Address[],
  recipe = recipeOf(balancer),
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `ucwa-${balancer}-`));
  const port = await freePort();
  const service = (balancer === 'nginx' ? startNginx : startHaproxy)(
    folder,
    port,
    recipe,
    replicas,
  );
  onCleanup(async () => {
    await service.stop();
    rmSync(folder, { recursive: true });
  });
  await until(() => accepts(port), Boolean);
  return `http://127.0.0.1:${port}`;
}

function startNginx(folder: string, port: number, recipe: string, replicas: readonly Address[]) {
  let text = recipe.replace('listen 8000;', `listen 127.0.0.1:${port};`);
  replicas.forEach((replica, i) => {
    text = text.replace(`proxy-${i + 1}.example.com:8080`, `127.0.0.1:${replica.port}`);
  });
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const places = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n');
  for (const kind of kinds) mkdirSync(join(folder, kind));
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr error;
events { worker_connections 1024; }
http { access_log off; ${places}
${text} }`,
  );
  return startService('nginx', ['-e', 'stderr', '-p', folder, '-c', file]);
}

function startHaproxy(folder: string, port: number, recipe: string, replicas: readonly Address[]) {
  let text = recipe.replace('bind :8000', `bind 127.0.0.1:${port}`);
  replicas.forEach(({ port: at, adminPort }, i) => {
    text = text.replace(
      `proxy-${i + 1}.example.com:8080 port 9464`,
      `127.0.0.1:${at} port ${adminPort}`,
    );
  });
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, `global\n  maxconn 2000\n${text}`);
  return startService('haproxy', ['-db', '-f', file]);
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
