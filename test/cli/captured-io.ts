import type { Command, Commands, Io } from '../../src/cli/command.ts';

/** The begin of a file arrives in pieces of this size, which end in mid-line. The rest arrives faster. */
const pieceBytes = 97;
const smallPiecesUntil = 65_536;
const largePieceBytes = 65_521;

export interface CapturedIo extends Io {
  /** Text written so far. */
  readonly written: { stdout: string; stderr: string };
}

/** Returns a process in memory, with an environment and files, that collects the output of commands. */
export function captureIo({
  env = {},
  files = {},
}: {
  env?: Record<string, string>;
  files?: Record<string, string | Uint8Array>;
} = {}): CapturedIo {
  const contentOf = (path: string): string | Uint8Array => {
    const content = files[path];
    if (content === undefined) {
      throw Object.assign(new Error('no such file'), { code: 'ENOENT', path });
    }
    return content;
  };
  const written = { stdout: '', stderr: '' };
  return {
    written,
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env,
    readFile: (path) => Buffer.from(contentOf(path)).toString(),
    async *openFile(path) {
      await Promise.resolve();
      const content = Buffer.from(contentOf(path));
      for (let at = 0; at < content.length;) {
        const from = at;
        at += from < smallPiecesUntil ? pieceBytes : largePieceBytes;
        yield content.subarray(from, at);
      }
    },
  };
}

/** Returns a program with only this command. */
export function only(command: Command): Commands {
  return new Map([[command.name, () => Promise.resolve(command)]]);
}
