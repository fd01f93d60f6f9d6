/** nginx as an ingress: HTTP/2 and TLS to clients, HTTP/1.1 with warm connections behind it. */
import { nginxBefore, startBalancer } from '../programs/balancers.js';
import { servePeer } from '../peers/serve-peer.js';

await servePeer(async ({ poolUrls: [url], cert, key }) => {
  // The directive `http2` needs nginx 1.25. This older form works in every version.
  const listening = `ssl http2; ssl_certificate ${cert}; ssl_certificate_key ${key}`;
  const { port, cpuMicros } = await startBalancer('nginx', nginxBefore(url, listening));
  return { url: `https://127.0.0.1:${port}`, about: 'HTTP/2 ingress', cpuMicros };
});
