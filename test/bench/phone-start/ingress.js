/** nginx as an ingress: HTTP/2 and TLS to clients, HTTP/1.1 with warm connections behind it. */
import { nginxBefore, startBalancer } from '../programs/balancers.js';
import { servePeer } from '../peers/serve-peer.js';

await servePeer(async ({ poolUrls: [url], cert, key }) => {
  // `http2` as a directive of its own came with 1.25; this form every version reads.
  const listening = `ssl http2; ssl_certificate ${cert}; ssl_certificate_key ${key}`;
  const { port, cpuMicros } = await startBalancer('nginx', nginxBefore(url, listening));
  return { url: `https://127.0.0.1:${port}`, about: 'HTTP/2 ingress', cpuMicros };
});
