import type { Command, Commands, Io } from '../../src/cli/command.ts';

export interface CapturedIo extends Io {
  /** What was written so far. */
  readonly written: { stdout: string; stderr: string };
}

/** A process in memory: what it has as environment and files, and what commands write. */
export function captureIo({
  env = {},
  files = {},
}: {
  env?: Record<string, string>;
  files?: Record<string, string>;
} = {}): CapturedIo {
  const written = { stdout: '', stderr: '' };
  return {
    written,
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error('no such file');
      return text;
    },
  };
}

/** A program that has that command alone. */
export function only(command: Command): Commands {
  return new Map([[command.name, () => Promise.resolve(command)]]);
}
