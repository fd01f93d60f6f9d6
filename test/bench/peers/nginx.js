/**
 * nginx's `proxy_pass` with warm connections to the pool, one worker; with HTTP/2 and TLS if it gets a
 * certificate.
 */
import { nginxBefore, startBalancer } from '../programs/balancers.js';
import { versionOf } from '../programs/installed.js';
import { servePeer } from './serve-peer.js';

await servePeer(async ({ poolUrls: [poolUrl], cert: ca, key }) => {
  // The directive `http2` needs nginx 1.25. This older form works in every version.
  const listening =
    ca && `ssl http2; ssl_certificate ${ca}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3`;
  const { port, cpuMicros } = await startBalancer('nginx', nginxBefore(poolUrl, listening));
  const about = `${versionOf('nginx')}, proxy_pass, keepalive 256, one worker`;
  const url = `${ca ? 'https' : 'http'}://127.0.0.1:${port}`;
  return { url, about, cpuMicros, facts: { ca } };
});
