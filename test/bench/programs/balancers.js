/** nginx and HAProxy, each as one thread: as plain reverse proxies, and with this project's recipes. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, newFolder, startNative } from './native.js';

const recipes = new URL('../../../helm/examples/affinity/', import.meta.url);

/** What it writes to disk, which must be its own. */
const nginxFolders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/**
 * @typedef {object} Started
 * @property {number} port
 * @property {() => number} cpuMicros so far
 */

/**
 * @param {(port: number) => string} http what stands in its `http` block
 * @returns {Promise<Started>}
 */
export async function startNginx(http) {
  const folder = newFolder('nginx');
  const port = await freePort();
  for (const name of nginxFolders) mkdirSync(join(folder, name));
  const places = nginxFolders.map((name) => `${name}_temp_path ${folder}/${name};`);
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr error;
events { worker_connections 16000; }
http {
  access_log off; keepalive_requests 1000000;
  ${places.join('\n  ')}
  ${http(port)}
}\n`,
  );
  const args = ['-e', 'stderr', '-p', folder, '-c', file];
  return { port, cpuMicros: await startNative('nginx', args, port) };
}

/**
 * @param {(port: number) => string} rest what stands behind its `global` section
 * @returns {Promise<Started>}
 */
export async function startHaproxy(rest) {
  const folder = newFolder('haproxy');
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, `global\n  maxconn 8000\n  nbthread 1\n${rest(port)}`);
  return { port, cpuMicros: await startNative('haproxy', ['-db', '-f', file], port) };
}

/**
 * @param {string} url of what it leads to
 * @param {string} [listening] what else stands behind the port
 * @returns {(port: number) => string} nginx as a reverse proxy with warm connections behind it
 */
export function nginxBefore(url, listening = '') {
  return (port) => `upstream pool {
    server ${new URL(url).host};
    keepalive 256; keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port} ${listening};
    location / {
      proxy_pass http://pool;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_max_temp_file_size 0;
    }
  }`;
}

/**
 * @param {string} url of what it leads to
 * @returns {(port: number) => string} HAProxy as a reverse proxy with warm connections behind it
 */
export function haproxyBefore(url) {
  return (port) => `defaults
  mode http
  timeout connect 2s
  timeout client 100s
  timeout server 100s
  http-reuse always
frontend clients
  bind 127.0.0.1:${port}
  default_backend pool
backend pool
  server pool ${new URL(url).host}
`;
}

/**
 * @typedef {object} Proxy Where one of several is.
 * @property {string} host with its port
 * @property {number} adminPort
 */

/** The servers that a recipe names, each on a line of its own. */
const named = /^ *server proxy-\d+ ?.*$/gm;

/**
 * @param {'nginx' | 'haproxy'} balancer
 * @param {readonly Proxy[]} proxies
 * @returns {Promise<Started>} with the recipe of this project, in which only addresses are put in
 */
export function startRecipe(balancer, proxies) {
  if (balancer === 'nginx') {
    const recipe = readFileSync(new URL('nginx.conf', recipes), 'utf8');
    return startNginx((port) =>
      withServers(recipe, proxies, (text, { host }) =>
        text.replace(/proxy-\d+\.example\.com:8080/, host),
      ).replace('listen 8000;', `listen 127.0.0.1:${port};`),
    );
  }
  const recipe = readFileSync(new URL('haproxy.cfg', recipes), 'utf8');
  return startHaproxy((port) =>
    withServers(recipe, proxies, (text, { host, adminPort }) =>
      text.replace(/proxy-\d+\.example\.com:8080 port 9464/, `${host} port ${adminPort}`),
    ).replace('bind :8000', `bind 127.0.0.1:${port}`),
  );
}

/**
 * @param {string} recipe
 * @param {readonly Proxy[]} proxies as many as the recipe names, or fewer
 * @param {(text: string, proxy: Proxy) => string} put
 */
function withServers(recipe, proxies, put) {
  let index = 0;
  return recipe.replace(named, (text) => {
    const proxy = proxies[index];
    index += 1;
    return proxy === undefined ? '' : put(text, proxy);
  });
}
