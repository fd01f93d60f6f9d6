/** nginx and HAProxy as children: as plain reverse proxies, and with this project's recipes. */
import { filledRecipe, haproxyArguments, nginxArguments } from '../../support/balancer-files.js';
import { freePort } from '../../support/free-port.js';
import { newFolder, startNative } from './native.js';

const argumentsOf = { nginx: nginxArguments, haproxy: haproxyArguments };

/**
 * @param {'nginx' | 'haproxy'} balancer
 * @param {(port: number) => string} text the variable part of the configuration
 * @returns {Promise<{ port: number, cpuMicros: () => number }>} resolves when it listens;
 *   `cpuMicros` returns the CPU time so far
 */
export async function startBalancer(balancer, text) {
  const port = await freePort();
  const args = argumentsOf[balancer](newFolder(balancer), text(port));
  return { port, cpuMicros: await startNative(balancer, args, port) };
}

/**
 * @param {string} url of the server behind it
 * @param {string} [listening] text after the port
 * @returns {(port: number) => string} nginx as a reverse proxy with warm connections to the server
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
 * @param {string} url of the server behind it
 * @param {string} [binding] text after the port
 * @returns {(port: number) => string} HAProxy as a reverse proxy with warm connections to the
 *   server
 */
export function haproxyBefore(url, binding = '') {
  return (port) => `defaults
  mode http
  timeout connect 2s
  timeout client 100s
  timeout server 100s
  http-reuse always
frontend clients
  bind 127.0.0.1:${port} ${binding}
  default_backend pool
backend pool
  server pool ${new URL(url).host}
`;
}

/**
 * @param {'nginx' | 'haproxy'} balancer
 * @param {ReadonlyArray<{ port: number, adminPort: number }>} proxies
 * @returns {(port: number) => string} the recipe of this project in front of these proxies
 */
export function recipeBefore(balancer, proxies) {
  return (port) => filledRecipe(balancer, port, proxies);
}
