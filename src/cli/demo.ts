import { setTimeout as delay } from 'node:timers/promises';
import { startApp, type App } from '../app/app.ts';
import { createLog } from '../log/log.ts';
import { loadServeSettings, type ServeSettings } from '../settings/load-settings.ts';
import { startSimulator, type Simulator } from '../simulator/simulator.ts';
import { percentile, runBurst, type BurstResult, type BurstShape } from './burst.ts';
import { type Command, exitCode } from './command.ts';
import { catchSignals } from './signals.ts';
import { programVersion } from './version.ts';

const shape: BurstShape = { users: 8, devicesPerUser: 2 };
/** Bursts before the measurement, so that both measured bursts run with warm code and connections. */
const rehearsals = 2;
const preferredPorts = { listen: 8080, admin: 9464 };

/** Sends the same burst of calls to a simulated pool and to a proxy in front of it, and compares. */
export const demo: Command = {
  name: 'demo',
  summary: 'show the proxy at work in front of a simulated pool',
  flags: [
    {
      name: 'seconds',
      placeholder: 'N',
      meaning: 'stop after N seconds (default: run until Ctrl-C)',
    },
  ],
  operands: [],
  async run({ flags }, io) {
    const { seconds } = flags;
    if (seconds !== undefined && !/^\d{1,6}$/.test(seconds)) {
      io.stderr.write('--seconds: expected a whole number of seconds\n');
      return exitCode.usage;
    }
    const signals = catchSignals();
    const simulator = await startSimulator({ applications: 'any' });
    const app = await startOnFreePorts(simulator);
    const proxyUrl = `http://127.0.0.1:${app.ports.listen}`;
    io.stdout.write(
      `ucwa-batch-proxy ${programVersion()}: simulated pool at ${simulator.url}, proxy at ${proxyUrl}\n\n`,
    );
    for (let i = 0; i < rehearsals; i += 1) {
      await runBurst(simulator.url, shape);
      await runBurst(proxyUrl, shape);
    }
    const direct = await measured(simulator, simulator.url);
    const proxied = await measured(simulator, proxyUrl);
    io.stdout.write(report(direct, proxied));
    io.stdout.write(whatToTry(proxyUrl, app.ports.admin));

    if (seconds === undefined) {
      io.stdout.write('Serving until Ctrl-C.\n');
      await signals.first;
    } else {
      await Promise.race([delay(Number(seconds) * 1000, undefined, { ref: false }), signals.first]);
    }
    await app.abort();
    await simulator.stop();
    signals.release();
    return exitCode.ok;
  },
};

interface Measured extends BurstResult {
  readonly upstreamRequests: number;
  readonly connections: number;
}

async function measured(simulator: Simulator, url: string): Promise<Measured> {
  const before = simulator.stats();
  const result = await runBurst(url, shape);
  const after = simulator.stats();
  return {
    ...result,
    upstreamRequests: after.requests - before.requests,
    connections: after.connections - before.connections,
  };
}

/** Starts the proxy on the documented ports, or on any free ports if another program uses these. */
async function startOnFreePorts(simulator: Simulator): Promise<App> {
  const log = createLog({ level: 'warn', access: 'problems' });
  const start = (ports: { listen: number; admin: number }): Promise<App> =>
    startApp(demoSettings(simulator.url, ports), { log, version: programVersion() });
  return start(preferredPorts).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return start({ listen: 0, admin: 0 });
  });
}

function demoSettings(poolUrl: string, ports: { listen: number; admin: number }): ServeSettings {
  const loaded = loadServeSettings({
    flags: {
      upstream: poolUrl,
      listen: `127.0.0.1:${ports.listen}`,
      admin: `127.0.0.1:${ports.admin}`,
    },
    env: {},
    readFile: () => '',
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('; '));
  return loaded.settings;
}

function report(direct: Measured, proxied: Measured): string {
  const ms = (result: Measured, share: number): string =>
    percentile(result.latenciesMs, share).toFixed(1);
  const rows: Array<[string, string, string]> = [
    ['', 'direct', 'through the proxy'],
    ['calls', String(direct.calls), String(proxied.calls)],
    ['requests at the pool', String(direct.upstreamRequests), String(proxied.upstreamRequests)],
    ['new connections to the pool', String(direct.connections), String(proxied.connections)],
    ['p50 ms', ms(direct, 0.5), ms(proxied, 0.5)],
    ['p95 ms', ms(direct, 0.95), ms(proxied, 0.95)],
    ['p99 ms', ms(direct, 0.99), ms(proxied, 0.99)],
    ['429s that callers saw', count(direct, 429), count(proxied, 429)],
    ['other errors', errors(direct), errors(proxied)],
  ];
  const lines = rows.map(
    ([name, a, b]) => `  ${name.padEnd(30)}${a.padStart(10)}${b.padStart(20)}\n`,
  );
  const { users, devicesPerUser } = shape;
  return (
    `${users} users with ${devicesPerUser} devices each start at once:\n\n` + `${lines.join('')}\n`
  );
}

function count(result: Measured, status: number): string {
  return String(result.statuses.get(status) ?? 0);
}

function errors(result: Measured): string {
  let sum = 0;
  for (const [status, times] of result.statuses) {
    if (status >= 400 && status !== 429) sum += times;
  }
  return String(sum);
}

function whatToTry(proxyUrl: string, adminPort: number): string {
  const resource = `${proxyUrl}/ucwa/oauth/v1/applications/1000`;
  return `Try it:
  curl -i -H 'Authorization: Bearer cwt=sim-user0' ${resource}/me
  curl -s -Z -H 'Authorization: Bearer cwt=sim-user0' ${resource}/me/presence ${resource}/me/note

Metrics: http://127.0.0.1:${adminPort}/metrics
`;
}
