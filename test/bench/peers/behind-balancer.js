/** So many processes of this proxy behind a balancer with this project's recipe. */
import { Child } from '../children/child.js';
import { startRecipe } from '../programs/balancers.js';
import { servePeer } from './serve-peer.js';

const file = new URL('./ucwa-batch-proxy.js', import.meta.url);

await servePeer(async ({ poolUrls, balancer, count, env, dist }) => {
  const proxies = await Promise.all(
    poolUrls
      .slice(0, count)
      .map((poolUrl) => Child.start('proxy', file, { poolUrls: [poolUrl], env, dist })),
  );
  const recipe = await startRecipe(
    balancer,
    proxies.map(({ facts }) => ({ host: new URL(facts.url).host, adminPort: facts.adminPort })),
  );
  return {
    url: `http://127.0.0.1:${recipe.port}`,
    about: `${count} processes behind ${balancer}, hashing on the application id`,
    async cpuMicros() {
      const marks = await Promise.all(proxies.map((proxy) => proxy.ask('mark')));
      return marks.reduce((sum, { cpuMicros }) => sum + cpuMicros, recipe.cpuMicros());
    },
  };
});
