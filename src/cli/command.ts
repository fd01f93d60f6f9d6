/** A command of the program. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** Arguments without a flag; all are required. */
  readonly operands: readonly Operand[];
  /** What help says after the flags. */
  readonly notes?: string;
  /** Ends with the exit code; what it throws is shown and ends the program with `exitCode.failed`. */
  run(given: GivenArguments, io: Io): Promise<number>;
}

/**
 * Commands by their names. Each is loaded when it is needed: a health check runs every few seconds, in
 * the memory that is the proxy's, and needs little of what the proxy does.
 */
export type Commands = ReadonlyMap<string, () => Promise<Command>>;

/** A flag of a command line. */
export interface Flag {
  /** Without dashes. */
  readonly name: string;
  /** Stands for the value in help; a flag without one is a switch. */
  readonly placeholder?: string;
  readonly meaning: string;
}

interface Operand {
  readonly name: string;
  readonly meaning: string;
}

/** A command line that fits its command. */
export interface GivenArguments {
  /** Flags with values, by name. */
  readonly flags: Readonly<Record<string, string>>;
  readonly switches: ReadonlySet<string>;
  /** As many as the command has. */
  readonly operands: readonly string[];
}

/** The process around a command, as far as commands use it. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
}

interface Output {
  write(text: string): unknown;
}

/** How commands end. `usage`: the command line or the configuration is wrong. */
export const exitCode = { ok: 0, failed: 1, usage: 2 } as const;
