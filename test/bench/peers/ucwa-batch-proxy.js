/** This proxy as `npm run build` made it, with the settings' defaults. */
import { servePeer } from './serve-peer.js';

const dist = new URL('../../../dist/', import.meta.url);
const { startApp } = await import(new URL('app.js', dist).href);
const { createLog } = await import(new URL('log/log.js', dist).href);
const { loadServeSettings } = await import(new URL('settings/load-settings.js', dist).href);

await servePeer(async (poolUrl) => {
  const loaded = loadServeSettings({
    flags: { upstream: poolUrl, listen: '127.0.0.1:0', admin: '127.0.0.1:0' },
    env: {},
    readFile: () => '',
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('; '));
  const { settings } = loaded;
  const app = await startApp(settings, { log: createLog(settings.log), version: 'bench' });
  const { mode, lingerMaxMs, maxParts } = settings.batching;
  return {
    url: `http://127.0.0.1:${app.ports.listen}`,
    about: `mode ${mode}, holds of up to ${lingerMaxMs} ms, up to ${maxParts} parts`,
  };
});
