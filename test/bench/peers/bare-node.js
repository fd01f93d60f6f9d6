/** A minimal proxy in Node: http.request, a keep-alive agent, and pipes. */
import { Agent, createServer, request } from 'node:http';
import { listenOnLoopback } from '../children/listen-on-loopback.js';
import { servePeer } from './serve-peer.js';

const agent = new Agent({ keepAlive: true });

await servePeer(async ({ poolUrls: [poolUrl] }) => {
  const { hostname, port } = new URL(poolUrl);
  const server = createServer((incoming, response) => {
    const { method, url: path, headers } = incoming;
    const onward = request({ agent, hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.once('error', (error) => response.destroy(error));
    incoming.pipe(onward);
  });
  return {
    url: await listenOnLoopback(server),
    about: `Node ${process.version}, http.request with a keep-alive agent`,
  };
});
