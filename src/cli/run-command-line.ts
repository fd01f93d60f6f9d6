import { didYouMean } from '../settings/nearest.ts';
import { quoted } from '../settings/quoted.ts';
import { readArguments } from './arguments.ts';
import { type Command, type Commands, exitCode, type Io } from './command.ts';
import { commandHelp, programHelp, programName } from './help.ts';
import { programVersion } from './version.ts';

/**
 * Runs the command that the first argument names.
 *
 * @param argv arguments without the paths of Node and of the script
 * @returns the exit code
 */
export async function runCommandLine(
  commands: Commands,
  argv: readonly string[],
  io: Io,
): Promise<number> {
  const [name, ...rest] = asked(argv);
  if (name === '--version' || name === '-v' || name === 'version') {
    io.stdout.write(`${programVersion()}\n`);
    return exitCode.ok;
  }
  if (asksForHelp(name)) {
    io.stdout.write(programHelp(await all(commands)));
    return exitCode.ok;
  }
  const load = commands.get(name ?? '');
  if (!load) {
    const found = name === undefined ? 'nothing' : quoted(name);
    const hint = name === undefined ? '' : didYouMean(name, [...commands.keys()]);
    io.stderr.write(`${programName}: expected a command, found ${found}${hint}\n\n`);
    io.stderr.write(programHelp(await all(commands)));
    return exitCode.usage;
  }
  const command = await load();
  if (rest.some(asksForHelp)) {
    io.stdout.write(commandHelp(command, rest.includes(longHelp)));
    return exitCode.ok;
  }
  const read = readArguments(command, rest);
  if (!read.ok) {
    for (const problem of read.problems) io.stderr.write(`${problem}\n`);
    io.stderr.write(`"${programName} ${command.name} --help" shows the flags.\n`);
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

/** Beside `--help`, asks for the long help. */
const longHelp = '--all';

/** `help` means `--help`, and `help serve` means `serve --help --all`. */
function asked(argv: readonly string[]): readonly string[] {
  return argv[0] === 'help' ? [...argv.slice(1, 2), '--help', longHelp] : argv;
}

function asksForHelp(argument: string | undefined): boolean {
  return argument === '--help' || argument === '-h';
}

function all(commands: Commands): Promise<readonly Command[]> {
  return Promise.all([...commands.values()].map((load) => load()));
}
