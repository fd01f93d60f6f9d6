/** HAProxy with warm connections to the pool, one thread; with HTTP/2 and TLS if it gets a certificate. */
import { haproxyBefore, startBalancer } from '../programs/balancers.js';
import { versionOf } from '../programs/installed.js';
import { servePeer } from './serve-peer.js';

await servePeer(async ({ poolUrls: [poolUrl], cert: ca, both }) => {
  const binding = ca && `ssl crt ${both} alpn h2 ssl-min-ver TLSv1.3`;
  const { port, cpuMicros } = await startBalancer('haproxy', haproxyBefore(poolUrl, binding));
  const about = `${versionOf('haproxy')}, http-reuse always, one thread`;
  const url = `${ca ? 'https' : 'http'}://127.0.0.1:${port}`;
  return { url, about, cpuMicros, facts: { ca } };
});
