/** HAProxy with warm connections to the pool, one thread. */
import { haproxyBefore, startBalancer } from '../programs/balancers.js';
import { versionOf } from '../programs/installed.js';
import { servePeer } from './serve-peer.js';

await servePeer(async ({ poolUrls: [poolUrl] }) => {
  const { port, cpuMicros } = await startBalancer('haproxy', haproxyBefore(poolUrl));
  const about = `${versionOf('haproxy')}, http-reuse always, one thread`;
  return { url: `http://127.0.0.1:${port}`, about, cpuMicros };
});
