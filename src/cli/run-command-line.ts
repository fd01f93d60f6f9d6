import { didYouMean } from '../settings/nearest.ts';
import { quoted } from '../settings/findings.ts';
import { readArguments } from './arguments.ts';
import { type Command, exitCode, type Io } from './command.ts';
import { commandHelp, programHelp, programName } from './help.ts';
import { programVersion } from './version.ts';

/**
 * Runs the command that the arguments name.
 *
 * @param argv without the names of node and of the script
 * @returns the exit code
 */
export async function runCommandLine(
  commands: readonly Command[],
  argv: readonly string[],
  io: Io,
): Promise<number> {
  const [name, ...rest] = argv;
  if (name === '--version') {
    io.stdout.write(`${programVersion()}\n`);
    return exitCode.ok;
  }
  if (asksForHelp(name)) {
    io.stdout.write(programHelp(commands));
    return exitCode.ok;
  }
  const command = commands.find((known) => known.name === name);
  if (!command) {
    const found = name === undefined ? 'nothing' : quoted(name);
    const names = commands.map((known) => known.name);
    const hint = name === undefined ? '' : didYouMean(name, names);
    io.stderr.write(`${programName}: expected a command, found ${found}${hint}\n\n`);
    io.stderr.write(programHelp(commands));
    return exitCode.usage;
  }
  if (rest.some(asksForHelp)) {
    io.stdout.write(commandHelp(command));
    return exitCode.ok;
  }
  const read = readArguments(command, rest);
  if (!read.ok) {
    for (const problem of read.problems) io.stderr.write(`${problem}\n`);
    io.stderr.write(`"${programName} ${command.name} --help" tells more.\n`);
    return exitCode.usage;
  }
  try {
    return await command.run(read.given, io);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    io.stderr.write(`${programName} ${command.name}: ${reason}\n`);
    return exitCode.failed;
  }
}

function asksForHelp(argument: string | undefined): boolean {
  return argument === '--help' || argument === '-h';
}
