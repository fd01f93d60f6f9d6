/**
 * This proxy as built by `npm run build`, with default settings unless the scenario sets others; with
 * HTTP/2 and TLS if it gets a certificate.
 */
import { servePeer } from './serve-peer.js';

await servePeer(async ({ poolUrls: [upstream], env = {}, dist, cert: ca, key }) => {
  /** @param {string} file */
  const load = (file) => import(new URL(file, dist).href);
  const { startApp } = await load('app/app.js');
  const { createLog } = await load('log/log.js');
  const { loadServeSettings } = await load('settings/load-settings.js');
  // The SDK of OpenTelemetry reads its variables from the process.
  Object.assign(process.env, env);
  const loaded = loadServeSettings({
    flags: { upstream, listen: '127.0.0.1:0', admin: '127.0.0.1:0' },
    env: ca ? { ...env, UCWA_PROXY_LISTEN_TLS_CERT: ca, UCWA_PROXY_LISTEN_TLS_KEY: key } : env,
    readFile: () => '',
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('; '));
  const { settings } = loaded;
  const app = await startApp(settings, {
    log: createLog(settings.log),
    version: 'bench',
    ownsProcess: true,
  });
  const { mode, lingerMaxMs, maxParts } = settings.batching;
  return {
    url: `${ca ? 'https' : 'http'}://127.0.0.1:${app.ports.listen}`,
    about: `this proxy: mode ${mode}, holds of up to ${lingerMaxMs} ms, up to ${maxParts} parts`,
    facts: { adminPort: app.ports.admin, limits: settings.limits, ca },
  };
});
