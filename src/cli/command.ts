import type { Prompt } from './prompt.ts';

/** A command of the program. */
export interface Command {
  readonly name: string;
  /** One line of help for the list of commands. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** Arguments without a flag; all are required. The last one may be given several times if it has `isRepeated`. */
  readonly operands: readonly Operand[];
  /** Help text after the flags. */
  readonly notes?: string;
  /** Help text after that, which only the long help shows. */
  readonly longNotes?: string;
  /** Resolves to the exit code. If it rejects, the program shows the error and exits with `exitCode.failed`. */
  run(given: GivenArguments, io: Io): Promise<number>;
}

/**
 * Loaders of commands by name. A command is loaded only when it runs. `probe` runs as a health check
 * every few seconds within the memory limit of the proxy, and so must not load the rest of the proxy.
 */
export type Commands = ReadonlyMap<string, () => Promise<Command>>;

/** A flag of a command. */
export interface Flag {
  /** Name without dashes. */
  readonly name: string;
  /** Placeholder for the value in help. A flag without a placeholder is a switch. */
  readonly placeholder?: string;
  readonly meaning: string;
}

interface Operand {
  readonly name: string;
  readonly meaning: string;
  readonly isRepeated?: true;
  /** Users may give a credential in its place by mistake. No message then shows unexpected arguments. */
  readonly isSecret?: true;
}

/** Valid arguments of a command. */
export interface GivenArguments {
  /** Values of flags, by name without dashes. */
  readonly flags: Readonly<Record<string, string>>;
  readonly switches: ReadonlySet<string>;
  /** One for each operand of the command, and further ones for a repeated operand. */
  readonly operands: readonly string[];
}

/** The parts of the process that commands use. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Returns the text of a file, or throws if the file cannot be read. */
  readonly readFile: (path: string) => string;
  /** Returns the bytes of a file as a stream, which fails if the file cannot be read. */
  readonly openFile: (path: string) => AsyncIterable<Uint8Array>;
  /** Starts to ask questions. Absent if there is no terminal. */
  readonly openPrompt?: (() => Promise<Prompt>) | undefined;
}

interface Output {
  write(text: string): unknown;
}

/** Exit codes. `usage` means that the arguments or the settings are wrong. */
export const exitCode = { ok: 0, failed: 1, usage: 2 } as const;
