/**
 * Configurations of nginx and HAProxy for tests and for the benchmark. Each balancer runs as one
 * process with one thread. The recipes are those that the project ships, with addresses filled in.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const recipes = new URL('../../helm/examples/affinity/', import.meta.url);
const files = { nginx: 'nginx.conf', haproxy: 'haproxy.cfg' };

/** Folders for the temporary files of nginx. Each nginx needs its own. */
const nginxFolders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/**
 * @param {string} folder an empty folder
 * @param {string} http the content of the `http` block
 * @returns {string[]} the arguments that start nginx
 */
export function nginxArguments(folder, http) {
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
  ${http}
}\n`,
  );
  return ['-e', 'stderr', '-p', folder, '-c', file];
}

/**
 * @param {string} folder
 * @param {string} rest the text after the `global` section
 * @returns {string[]} the arguments that start HAProxy
 */
export function haproxyArguments(folder, rest) {
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, `global\n  maxconn 2000\n  nbthread 1\n${rest}`);
  return ['-db', '-f', file];
}

/**
 * @param {'nginx' | 'haproxy'} balancer
 * @param {number} port the port of 127.0.0.1 where the balancer listens
 * @param {ReadonlyArray<{ readonly port: number, readonly adminPort: number }>} proxies
 *   proxies on 127.0.0.1; further servers of the recipe are removed
 * @param {string} [recipe] the default is the recipe of this project
 * @returns {string} the content of nginx's `http` block, or what follows HAProxy's `global` section
 */
export function filledRecipe(balancer, port, proxies, recipe) {
  let text = recipe ?? readFileSync(new URL(files[balancer], recipes), 'utf8');
  text = text
    .replace('listen 8000;', `listen 127.0.0.1:${port};`)
    .replace('bind :8000', `bind 127.0.0.1:${port}`);
  proxies.forEach((proxy, i) => {
    const name = `proxy-${i + 1}.example.com:8080`;
    const host = `127.0.0.1:${proxy.port}`;
    text = text.replace(`${name} port 9464`, `${host} port ${proxy.adminPort}`).replace(name, host);
  });
  return text.replace(/^ *server .*\.example\.com.*$/gm, '');
}
