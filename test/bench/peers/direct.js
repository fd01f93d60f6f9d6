/** No program in between. */
import { servePeer } from './serve-peer.js';

await servePeer(async ({ poolUrls: [url] }) => ({
  url,
  about: 'the load generator at the pool itself',
  cpuMicros: () => 0,
}));
