import { setTimeout as delay } from 'node:timers/promises';
import { startApp, type App } from '../app/app.ts';
import { createLog } from '../log/log.ts';
import { type Address, formatAddress } from '../settings/address.ts';
import {
  type LoadedSettings,
  loadServeSettings,
  type ServeSettings,
} from '../settings/load-settings.ts';
import { type Command, exitCode, type GivenArguments } from './command.ts';
import { runBurst } from './demo/burst.ts';
import { comparison, type Measured } from './demo/comparison.ts';
import { handsOn } from './demo/hands-on.ts';
import { type PoolCounts, PoolProcess } from './demo/pool-process.ts';
import { runCounts, runSummary } from './demo/run-summary.ts';
import { type Scene, scenes, usualLimit } from './demo/scenes.ts';
import { programName } from './help.ts';
import { catchSignals } from './signals.ts';
import { programVersion } from './version.ts';

/**
 * Bursts before the measurement, so that all measured bursts run with warm code and connections, and the proxy
 * knows the slow route.
 */
const rehearsals = 2;
/** Measured bursts of a scene, directly and through the proxy in turn. */
const rounds = 3;
const documented: Addresses = { listen: '127.0.0.1:8080', admin: '127.0.0.1:9464' };
const free: Addresses = { listen: '127.0.0.1:0', admin: '127.0.0.1:0' };
const nothing: Measured = { answers: [], pool: { requests: 0, connections: 0, cpuMs: 0 } };
const next = `Next: "npx ${programName} init" writes a settings file for your own pool.\n`;

interface Addresses {
  readonly listen: string;
  readonly admin: string;
}

/** Sends the same bursts of calls to a simulated pool and to a proxy in front of it, and compares. */
export const demo: Command = {
  name: 'demo',
  summary: 'show the proxy at work in front of a simulated pool',
  flags: [
    {
      name: 'listen',
      placeholder: 'HOST:PORT',
      meaning: `address and port of the proxy (default: ${documented.listen}, or any free ports)`,
    },
    {
      name: 'admin',
      placeholder: 'HOST:PORT',
      meaning: `address and port of the metrics (default: ${documented.admin}, or any free ports)`,
    },
    {
      name: 'seconds',
      placeholder: 'N',
      meaning: 'stop after N seconds (default: run until Ctrl-C)',
    },
  ],
  operands: [],
  async run(given, io) {
    const { seconds } = given.flags;
    if (seconds !== undefined && !/^\d{1,6}$/.test(seconds)) {
      io.stderr.write('--seconds: expected a whole number of seconds\n');
      return exitCode.usage;
    }
    const checked = settingsFor('http://127.0.0.1:1', given);
    if (!checked.ok) {
      for (const problem of checked.problems) io.stderr.write(`${problem}\n`);
      return exitCode.usage;
    }
    const signals = catchSignals();
    const stopping = new AbortController();
    void signals.first.then(() => stopping.abort());
    const pool = await PoolProcess.start();
    let app: App | undefined;
    try {
      const started = await startProxy(pool.url, given);
      app = started.app;
      const proxyUrl = urlOf(started.settings.listen.address, app.ports.listen);
      const adminUrl = urlOf(started.settings.admin.address, app.ports.admin);
      io.stdout.write(
        `ucwa-batch-proxy ${programVersion()}: simulated pool at ${pool.url}, proxy at ${proxyUrl}\n` +
          `Each scene runs ${rounds} times directly, and ${rounds} times through the proxy.\n` +
          `A page shows what the proxy does: ${adminUrl}/\n\n`,
      );
      for (const scene of scenes) {
        if (!stopping.signal.aborted) io.stdout.write(`${await play(scene, pool, proxyUrl)}\n`);
      }
      await pool.setLimit(usualLimit);
      const afterScenes = await runCounts(adminUrl);
      io.stdout.write(
        `${handsOn(proxyUrl)}\nPage: ${adminUrl}/\nMetrics: ${adminUrl}/metrics\n${next}`,
      );
      if (seconds === undefined) {
        io.stdout.write('Serving until Ctrl-C.\n');
        await signals.first;
      } else {
        const { signal } = stopping;
        await delay(Number(seconds) * 1000, undefined, { signal }).catch(() => undefined);
      }
      io.stdout.write(`\n${runSummary(afterScenes, await runCounts(adminUrl))}`);
    } finally {
      await app?.abort();
      await pool.stop();
      signals.release();
    }
    return exitCode.ok;
  },
};

/** Plays a scene directly and through the proxy in turn, and compares. */
async function play(scene: Scene, pool: PoolProcess, proxyUrl: string): Promise<string> {
  await pool.setLimit(scene.limit);
  for (let i = 0; i < rehearsals; i += 1) {
    if (scene === scenes[0]) await runBurst(pool.url, scene);
    await runBurst(proxyUrl, scene);
  }
  let direct = nothing;
  let proxied = nothing;
  for (let i = 0; i < rounds; i += 1) {
    direct = await measured(direct, scene, pool, pool.url);
    proxied = await measured(proxied, scene, pool, proxyUrl);
  }
  return comparison(scene, direct, proxied);
}

/** Plays one burst, and adds its costs to those of earlier bursts. */
async function measured(
  earlier: Measured,
  scene: Scene,
  pool: PoolProcess,
  url: string,
): Promise<Measured> {
  const before = await pool.counts();
  const answers = await runBurst(url, scene);
  const after = await pool.counts();
  const added = (name: keyof PoolCounts): number => earlier.pool[name] + after[name] - before[name];
  return {
    answers: [...earlier.answers, ...answers],
    pool: {
      requests: added('requests'),
      connections: added('connections'),
      cpuMs: added('cpuMs'),
    },
  };
}

/** Starts the proxy on the given addresses, or the documented ones, or free ports if these are in use. */
async function startProxy(
  poolUrl: string,
  given: GivenArguments,
): Promise<{ app: App; settings: ServeSettings }> {
  const log = createLog({ level: 'warn', access: 'problems' });
  const start = async (addresses: Addresses) => {
    const settings = settingsFor(poolUrl, given, addresses);
    if (!settings.ok) throw new Error(settings.problems.join('; '));
    const app = await startApp(settings.settings, { log, version: programVersion() });
    return { app, settings: settings.settings };
  };
  return start(documented).catch((error: unknown) => {
    const isGiven = given.flags['listen'] !== undefined && given.flags['admin'] !== undefined;
    if (isGiven || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return start(free);
  });
}

function settingsFor(
  upstream: string,
  { flags }: GivenArguments,
  addresses: Addresses = documented,
): LoadedSettings {
  const { listen = addresses.listen, admin = addresses.admin } = flags;
  return loadServeSettings({ flags: { upstream, listen, admin }, env: {}, readFile: () => '' });
}

/** Returns the URL of a listener, from this machine if the listener has all addresses of it. */
function urlOf({ host }: Address, port: number): string {
  const isWildcard = host === '0.0.0.0' || host === '::';
  return `http://${formatAddress({ host: isWildcard ? '127.0.0.1' : host, port })}`;
}
