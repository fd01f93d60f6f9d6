import { url as inspectorUrl } from 'node:inspector';
import { startApp } from '../app/app.ts';
import { usualChecks } from '../app/health.ts';
import { createLog, type Log } from '../log/log.ts';
import { formatAddress } from '../settings/address.ts';
import { FileWatch } from '../settings/file-watch.ts';
import { poolsOf, serverOf } from '../settings/pools.ts';
import { loadCheckedSettings } from './checked-settings.ts';
import { type Command, exitCode } from './command.ts';
import { catchHangups } from './hangups.ts';
import {
  settingsFlags,
  settingsLongNotes,
  settingsNotes,
  settingsSources,
} from './settings-flags.ts';
import { createReload } from './settings-reload.ts';
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
    const hangups = catchHangups();
    const sources = settingsSources(given, io);
    const { config } = given.flags;
    // It remembers the file as it is before it is read.
    const watch = config === undefined ? undefined : new FileWatch(config);
    const checked = loadCheckedSettings(sources);
    const runtime = checkRuntime(
      { nodeFlags: process.execArgv, env: io.env, inspectorUrl: inspectorUrl() },
      given.flags['allow-unsafe'] ?? '',
    );
    const problems = [...runtime.problems, ...(checked.ok ? [] : checked.problems)];
    for (const problem of problems) io.stderr.write(`${problem}\n`);
    if (!checked.ok || problems.length > 0) return exitCode.usage;
    const { settings, lowered, userHashKey } = checked;
    const version = programVersion();
    const log = createLog({ ...settings.log, userHashKey });
    exitOnUncaught(log);
    for (const note of [...runtime.warnings, ...checked.warnings]) log.warn(note);
    if (Object.keys(lowered).length > 0) {
      log.info('default limits are lowered to fit the process', lowered);
    }

    const signals = catchSignals();
    const app = await startApp(settings, {
      log,
      version,
      ownsProcess: true,
      origins: checked.origins,
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
    const reload = createReload({
      ...{ settings: app.settings, log },
      load: () => loadCheckedSettings(sources),
    });
    watch?.start(() => reload('file'));
    hangups.listen(() => reload('SIGHUP'));
    await signals.first;
    watch?.stop();
    hangups.listen(() => log.info('SIGHUP has no effect while the proxy stops'));
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
