/** Several processes of this proxy behind a balancer with this project's recipe. */
import { Child } from '../children/child.js';
import { recipeBefore, startBalancer } from '../programs/balancers.js';
import { servePeer } from './serve-peer.js';

const file = new URL('./ucwa-batch-proxy.js', import.meta.url);

await servePeer(async ({ poolUrls, balancer, count, env, dist }) => {
  const proxies = await Promise.all(
    poolUrls
      .slice(0, count)
      .map((poolUrl) => Child.start('proxy', file, { poolUrls: [poolUrl], env, dist })),
  );
  const addresses = proxies.map(({ facts: { url, adminPort } }) => ({
    port: Number(new URL(url).port),
    adminPort,
  }));
  const started = await startBalancer(balancer, recipeBefore(balancer, addresses));
  return {
    url: `http://127.0.0.1:${started.port}`,
    about: `${count} processes behind ${balancer}, hashing on the application id`,
    async cpuMicros() {
      const marks = await Promise.all(proxies.map((proxy) => proxy.ask('mark')));
      return marks.reduce((sum, { cpuMicros }) => sum + cpuMicros, started.cpuMicros());
    },
  };
});
