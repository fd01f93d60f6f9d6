import { readFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { getHeapStatistics } from 'node:v8';
import { startApp } from '../app/app.ts';
import { usualChecks } from '../app/health.ts';
import { createLog, type Log } from '../log/log.ts';
import { formatAddress } from '../settings/address.ts';
import { fitLimits } from '../settings/fit-limits.ts';
import { loadServeSettings } from '../settings/load-settings.ts';
import { poolsOf, serverOf } from '../settings/pools.ts';
import { tlsProblems } from '../settings/tls-files.ts';
import { readUserHashKey } from '../settings/user-hash-key.ts';
import { type Command, exitCode } from './command.ts';
import {
  settingsFlags,
  settingsLongNotes,
  settingsNotes,
  settingsSources,
} from './settings-flags.ts';
import { catchSignals } from './signals.ts';
import { checkRuntime, unsafeNames } from './unsafe-runtime.ts';
import { programVersion } from './version.ts';

/** Runs the proxy until SIGTERM or SIGINT. A second signal skips the drain. */
export const serve: Command = {
  name: 'serve',
  summary: 'run the proxy in front of a pool',
  flags: [
    ...settingsFlags,
    {
      name: 'allow-unsafe',
      placeholder: 'NAMES',
      meaning: `start even with these settings of Node, each of which breaks a guarantee: ${unsafeNames.join(', ')}`,
    },
  ],
  operands: [],
  notes: settingsNotes,
  longNotes: settingsLongNotes,
  async run(given, io) {
    const loaded = loadServeSettings(settingsSources(given, io));
    const runtime = checkRuntime(
      { nodeFlags: process.execArgv, env: io.env, inspectorUrl: inspectorUrl() },
      given.flags['allow-unsafe'] ?? '',
    );
    const userHash = readUserHashKey(
      loaded.ok ? loaded.settings.log.userHashKeyFile : undefined,
      io.readFile,
    );
    const problems = [
      ...runtime.problems,
      ...(loaded.ok ? tlsProblems(loaded.settings, readFileSync) : loaded.problems),
      ...userHash.problems,
    ];
    for (const problem of problems) io.stderr.write(`${problem}\n`);
    if (!loaded.ok || problems.length > 0) return exitCode.usage;
    const resources = {
      heapBytes: getHeapStatistics().heap_size_limit,
      openFiles: openFilesLimit(),
    };
    const { settings, notes, lowered } = fitLimits(loaded.settings, resources, (key) =>
      loaded.given.has(key),
    );
    const version = programVersion();
    const log = createLog({ ...settings.log, userHashKey: userHash.key });
    exitOnUncaught(log);
    for (const note of [...runtime.warnings, ...loaded.warnings, ...notes]) log.warn(note);
    if (Object.keys(lowered).length > 0) {
      log.info('default limits are lowered to fit the process', lowered);
    }

    const signals = catchSignals();
    const app = await startApp(settings, {
      log,
      version,
      ownsProcess: true,
      poolChecks: usualChecks,
    });
    log.info('serving', {
      version,
      listen: formatAddress({ ...settings.listen.address, port: app.ports.listen }),
      admin: formatAddress({ ...settings.admin.address, port: app.ports.admin }),
      ...(settings.listen.plain !== undefined && {
        plain: formatAddress({ ...settings.listen.plain, port: app.ports.plain ?? 0 }),
      }),
      upstream: poolsOf(settings)
        .map((pool) => serverOf(pool).origin)
        .join(' '),
      mode: settings.batching.mode,
    });
    await signals.first;
    log.info('stopping');
    void signals.second.then(() => app.abort());
    await app.stop();
    signals.release();
    log.info('stopped');
    return exitCode.ok;
  },
};

/** Exits on an uncaught exception, because the state of the process is unknown. A supervisor restarts it. */
function exitOnUncaught(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.failure('uncaught exception', error);
    process.exit(exitCode.failed);
  });
}

function openFilesLimit(): number | undefined {
  const report = process.report.getReport() as unknown as {
    userLimits?: Record<string, { soft?: number | string }>;
  };
  const soft = report.userLimits?.['open_files']?.soft;
  return typeof soft === 'number' ? soft : undefined;
}
