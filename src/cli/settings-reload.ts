import type { LiveSettings } from '../app/live-settings.ts';
import type { Log } from '../log/log.ts';
import type { CheckedSettings } from './checked-settings.ts';

interface ReloadParts {
  readonly settings: LiveSettings;
  readonly log: Pick<Log, 'info' | 'warn' | 'error' | 'failure'>;
  readonly load: () => CheckedSettings;
}

/** The reason for another reading of the settings. */
type Cause = 'SIGHUP' | 'file';

/** A file with many mistakes must not fill the log. */
const maxProblems = 20;

/** The problem of a reading that threw an exception. */
const internalError = 'an internal error has interrupted the reading of the settings';

/**
 * Returns a function that reads the settings again. Valid settings are put in force. Invalid ones are refused whole,
 * and those in force stay. The function never throws: a bug in a reading must not end the calls under way.
 */
export function createReload(parts: ReloadParts): (cause: Cause) => void {
  const { settings, log } = parts;
  const read = readerOf(parts);
  return (cause) => {
    try {
      read(cause);
    } catch (error) {
      settings.refuse([internalError]);
      log.failure(internalError, error);
    }
  };
}

function readerOf({ settings, log, load }: ReloadParts): (cause: Cause) => void {
  return (cause) => {
    const checked = load();
    if (!checked.ok) {
      settings.refuse(checked.problems);
      log.error('the settings are refused: those in force stay', {
        cause,
        problems: checked.problems.length,
      });
      for (const problem of checked.problems.slice(0, maxProblems)) log.error(problem);
      return;
    }
    const { changed, needRestart } = settings.reload(checked.settings, checked.origins);
    if (changed.length > 0) {
      for (const warning of checked.warnings) log.warn(warning);
      log.info('the settings have changed', {
        ...{ cause, keys: changed.join(' '), hash: settings.hash },
      });
    } else log.info('the settings were read: none has changed', { cause, hash: settings.hash });
    if (needRestart.length > 0) {
      log.warn('some settings need a restart to change', { keys: needRestart.join(' ') });
    }
  };
}
