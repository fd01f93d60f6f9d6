/**
 * A collector of traces by OTLP in JSON. It counts the spans. The facts are `{ url }`; the answer to
 * `taken` is the number of spans so far.
 */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { serveParent } from '../children/child-side.js';
import { listenOnLoopback } from '../children/listen-on-loopback.js';

let taken = 0;

const server = createServer((request, response) => {
  void json(request).then((/** @type {any} */ { resourceSpans }) => {
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans } of scopeSpans) taken += spans.length;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
});

serveParent({ url: await listenOnLoopback(server) }, { taken: () => taken });
