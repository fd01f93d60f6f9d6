/** nginx's `proxy_pass` with warm connections to the pool, one worker. */
import { nginxBefore, startBalancer } from '../programs/balancers.js';
import { versionOf } from '../programs/installed.js';
import { servePeer } from './serve-peer.js';

await servePeer(async ({ poolUrls: [poolUrl] }) => {
  const { port, cpuMicros } = await startBalancer('nginx', nginxBefore(poolUrl));
  const about = `${versionOf('nginx')}, proxy_pass, keepalive 256, one worker`;
  return { url: `http://127.0.0.1:${port}`, about, cpuMicros };
});
