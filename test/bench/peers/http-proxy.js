/** Plain http-proxy with a keep-alive agent: a usual proxy without batching. */
import { Agent, createServer } from 'node:http';
import { createRequire } from 'node:module';
import { listenOnLoopback } from '../children/listen-on-loopback.js';
import { servePeer } from './serve-peer.js';

const require = createRequire(import.meta.url);
// http-proxy calls a deprecated function for each request, and newer Nodes print a warning.
process.noDeprecation = true;
const { createProxyServer } = require('http-proxy');

await servePeer(async ({ poolUrls: [poolUrl] }) => {
  const proxy = createProxyServer({ target: poolUrl, agent: new Agent({ keepAlive: true }) });
  const server = createServer((request, response) =>
    proxy.web(request, response, {}, (/** @type {Error} */ error) => {
      response.writeHead(502).end(error.message);
    }),
  );
  return {
    url: await listenOnLoopback(server),
    about: `${require('http-proxy/package.json').version}, keep-alive agent`,
  };
});
