/** Starts the whole proxy in this process. */
import { startApp, type App } from '../../src/app/app.ts';
import { createLog } from '../../src/log/log.ts';
import { loadServeSettings } from '../../src/settings/load-settings.ts';

/**
 * @param servers URLs of the servers of the pool
 * @param env settings as environment variables
 */
export function startProxy(
  servers: readonly string[],
  env: Readonly<Record<string, string>>,
  write: (line: string) => void,
): Promise<App> {
  const loaded = loadServeSettings({
    flags: { config: 'proxy.yaml', listen: '127.0.0.1:0', admin: '127.0.0.1:0' },
    env: { ...env },
    readFile: () => `pools: [{ name: one, hosts: ['*'], servers: [${servers.join(', ')}] }]`,
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const userHashKey = Buffer.from('key of the simulation');
  const log = createLog({ ...loaded.settings.log, userHashKey }, { write });
  return startApp(loaded.settings, { log, version: '0.0.0-sim' });
}
