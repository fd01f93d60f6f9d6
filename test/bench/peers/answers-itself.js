/** The lower bound: a Node server that answers by itself and forwards nothing. */
import { createServer } from 'node:http';
import { listenOnLoopback } from '../children/listen-on-loopback.js';
import { bodyFor } from '../workload.js';
import { servePeer } from './serve-peer.js';

await servePeer(async () => {
  const server = createServer((request, response) => {
    const body = bodyFor(request.url ?? '');
    response
      .writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': body.length,
      })
      .end(body, 'latin1');
  });
  return {
    url: await listenOnLoopback(server),
    about: `Node ${process.version}, a server without a pool: no proxy in Node costs less a call`,
  };
});
